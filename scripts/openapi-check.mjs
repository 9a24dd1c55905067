// Says whether openapi.yaml is what the code emits (exit 1 when not), and lints it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfNeeded } from './build-if-needed.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
buildIfNeeded();
const folder = mkdtempSync(join(tmpdir(), 'exeunt-openapi-'));
const emitted = join(folder, 'openapi.yaml');
const emit = spawnSync(process.execPath, ['dist/src/cli/emit-openapi.js', emitted], { cwd: root, stdio: 'inherit' });
const same = emit.status === 0 && readFileSync(emitted, 'utf8') === readFileSync(join(root, 'openapi.yaml'), 'utf8');
if (!same) {
  process.stderr.write('openapi.yaml is not what the code emits. Run `npm run build` and commit it.\n');
  spawnSync('diff', ['-u', 'openapi.yaml', emitted], { cwd: root, stdio: 'inherit' });
}
rmSync(folder, { recursive: true, force: true });
const lint = spawnSync(
  process.execPath,
  [join(root, 'node_modules', '@redocly', 'cli', 'bin', 'cli.js'), 'lint', 'openapi.yaml', '--format=stylish'],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  },
);
process.exitCode = same && lint.status === 0 ? 0 : 1;
