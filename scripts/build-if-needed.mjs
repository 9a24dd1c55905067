import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'dist', '.built');
const sources = ['src', 'migrations', 'demo', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];

/** The newest change below a path, in milliseconds since 1970. */
function newest(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** Leaves a build in dist/ that is as new as the sources. Without sources (a container image) it takes what is there. */
export function buildIfNeeded() {
  const present = sources.map((name) => join(root, name)).filter((path) => existsSync(path));
  if (!existsSync(join(root, 'src'))) return;
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= Math.max(...present.map(newest))) return;
  process.stdout.write('Building (a few seconds, only when the sources changed) …\n');
  rmSync(stamp, { force: true });
  const nest = join(root, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
  const { status } = spawnSync(process.execPath, [nest, 'build'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, '');
}
