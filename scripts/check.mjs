// Everything that CI runs, in order, with a table at the end. `--skip-tests` leaves out what was run just before.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { 'skip-tests': { type: 'boolean', default: false }, 'skip-browser': { type: 'boolean', default: false } },
});

const isDebian = existsSync('/etc/debian_version');
const steps = [
  { name: 'types', args: ['run', 'types'] },
  { name: 'lint', args: ['run', 'lint'] },
  { name: 'import rules', args: ['run', 'imports:check'] },
  ...(values['skip-tests']
    ? []
    : [
        { name: 'tests', args: ['test'] },
        { name: 'tests on partitions', args: ['run', 'test:partitioned'] },
      ]),
  { name: 'migration drift', args: ['run', 'migration:check'] },
  { name: 'SQL statements', args: ['run', 'sql:check'] },
  { name: 'OpenAPI drift and lint', args: ['run', 'openapi:check'] },
  // Both need programs of Debian; the image is made and entered by root.
  ...(isDebian ? [{ name: 'deployments', args: ['run', 'deploy:check'] }] : []),
  ...(isDebian && process.getuid?.() === 0 ? [{ name: 'image', args: ['run', 'image:check'] }] : []),
  ...(values['skip-tests'] ? [] : [{ name: 'tests on a cluster', args: ['run', 'test:cluster'] }]),
  ...(values['skip-browser'] ? [] : [{ name: 'browser tests', args: ['run', 'test:browser'] }]),
];

/** @type {{ name: string, ok: boolean, seconds: number }[]} */
const results = steps.map(({ name, args }) => {
  process.stdout.write(`\n=== ${name}: npm ${args.join(' ')}\n`);
  const began = Date.now();
  const { status } = spawnSync('npm', args, { cwd: root, stdio: 'inherit' });
  return { name, ok: status === 0, seconds: Math.round((Date.now() - began) / 1000) };
});

process.stdout.write('\n');
for (const { name, ok, seconds } of results)
  process.stdout.write(`${ok ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)\n`);
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
