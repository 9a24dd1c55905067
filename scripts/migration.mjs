// `npm run migration:generate -- Name` writes a migration from the difference between the entities and the schema that
// the present migrations make. `npm run migration:check` says whether there is a difference (exit 1).
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfNeeded } from './build-if-needed.mjs';
import { withDatabase } from './with-database.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [command, name = 'Change'] = process.argv.slice(2);

function typeorm(url, ...args) {
  const cli = join(root, 'node_modules', 'typeorm', 'cli.js');
  const flags = ['-d', 'dist/src/cli/data-source.js', '--esm'];
  return spawnSync(process.execPath, [cli, ...args, ...flags], {
    cwd: root,
    env: { ...process.env, DATABASE_URL: url },
    encoding: 'utf8',
  });
}

/** TypeORM writes no `import type`, and the index has to name each migration. */
function tidy() {
  const folder = join(root, 'migrations');
  const files = readdirSync(folder)
    .filter((file) => /^\d+-.*\.ts$/.test(file))
    .sort();
  for (const file of files) {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      text.replace(
        /^import \{ MigrationInterface, QueryRunner \} from ["']typeorm["'];?/,
        "import type { MigrationInterface, QueryRunner } from 'typeorm';",
      ),
    );
  }
  writeFileSync(
    join(folder, 'index.ts'),
    files.map((file) => `export * from './${file.replace(/\.ts$/, '.js')}';\n`).join(''),
  );
  spawnSync(
    process.execPath,
    [join(root, 'node_modules', 'prettier', 'bin', 'prettier.cjs'), '--write', 'migrations'],
    { cwd: root },
  );
  return files.at(-1);
}

buildIfNeeded();
process.exitCode = await withDatabase(async (url) => {
  const { migrate } = await import('../dist/src/platform/database/migrate.js');
  await migrate(url);
  if (command === 'check') {
    const { status, stdout, stderr } = typeorm(url, 'migration:generate', 'migrations/Drift', '--check');
    if (status === 0) process.stdout.write('The migrations make the schema that the entities describe.\n');
    else process.stderr.write(`The entities and the migrations differ:\n${stdout}${stderr}\n`);
    return status ?? 1;
  }
  if (command !== 'generate') {
    process.stderr.write('usage: migration.mjs check | generate Name\n');
    return 2;
  }
  const { status, stdout, stderr } = typeorm(url, 'migration:generate', `migrations/${name}`, '-p');
  process.stdout.write(`${stdout}${stderr}`);
  if (status === 0)
    process.stdout.write(`Wrote migrations/${tidy()}. Read it, name it by intent, and see that down works.\n`);
  return status ?? 1;
});
