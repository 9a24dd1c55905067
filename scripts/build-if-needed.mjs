import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'dist', '.built');
const lock = join(root, 'node_modules', '.exeunt-building');
const sources = ['src', 'migrations', 'demo', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];

/** The newest change below a path, in milliseconds since 1970. */
function newest(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function isFresh() {
  const present = sources.map((name) => join(root, name)).filter((path) => existsSync(path));
  return existsSync(stamp) && statSync(stamp).mtimeMs >= Math.max(...present.map(newest));
}

/** Takes the lock, unless a process that lives has it. */
function takeLock() {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  try {
    process.kill(Number(readFileSync(lock, 'utf8')) || process.pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') rmSync(lock, { force: true }); // it was killed while it built
  }
  return false;
}

function build() {
  process.stdout.write('Building (a few seconds, only when the sources changed) …\n');
  // The build stands for the sources as they are now; what changes from here on is newer than it.
  const began = new Date();
  rmSync(stamp, { force: true });
  const nest = join(root, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
  const { status } = spawnSync(process.execPath, [nest, 'build'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status === 0) {
    writeFileSync(stamp, '');
    utimesSync(stamp, began, began);
  }
  return status ?? 1;
}

/**
 * Leaves a build in dist/ that is as new as the sources. Without sources (a container image) it takes what is there. Of
 * several starts at once one builds and the others wait for it: each build begins by emptying dist/.
 */
export function buildIfNeeded() {
  if (!existsSync(join(root, 'src')) || isFresh()) return;
  while (!takeLock()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  let status = 0;
  try {
    if (!isFresh()) status = build();
  } finally {
    rmSync(lock, { force: true });
  }
  if (status !== 0) process.exit(status);
}
