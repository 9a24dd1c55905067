// `npm run sql:check` prepares every SQL statement of the service against the schema that the migrations make, compares
// parameters and rows with what is declared, and docs/sql with the statements. `npm run sql:emit` writes docs/sql.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { buildIfNeeded } from './build-if-needed.mjs';
import { withDatabase } from './with-database.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'docs', 'sql');
const emit = process.argv[2] === 'emit';

/** The source file that declared a statement: the outermost in the stack, which is the module that was being loaded. */
function fileOf(stack) {
  const built = [...stack.matchAll(/dist[/\\](src[/\\][^:)]+)\.js/g)].at(-1)[1];
  return `${built.split(sep).join('/')}.ts`;
}

/** `src/domain/logout/notices/x.ts` → `logout/notices`. */
function ownerOf(file) {
  return dirname(file).replace(/^src\/(domain|platform)\//, '');
}

/** Every .sql file under docs/sql, by its path there. */
function present() {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.sql'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

buildIfNeeded();
await import('../dist/src/app.module.js');
const { declaredStatements } = await import('../dist/src/platform/database/statement.js');
const { snapshotOf, StatementCheck } = await import('../dist/src/platform/database/statement-check.js');
const statements = declaredStatements().map(({ statement, declared }) => {
  const file = fileOf(declared.stack);
  return { statement, path: `${ownerOf(file)}/${statement.name}.sql`, snapshot: snapshotOf(statement, file) };
});
const files = new Map(statements.map(({ path, snapshot }) => [path, snapshot]));

function writeSnapshots() {
  for (const path of present()) if (!files.has(path)) rmSync(join(folder, path));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  process.stdout.write(`Wrote ${files.size} statements to docs/sql.\n`);
}

/** What differs between docs/sql and the statements. */
function drift() {
  const there = new Set(present());
  return [
    ...[...there].filter((path) => !files.has(path)).map((path) => `docs/sql/${path} is of no statement`),
    ...[...files].flatMap(([path, text]) => {
      if (!there.has(path)) return [`docs/sql/${path} is missing`];
      return readFileSync(join(folder, path), 'utf8') === text ? [] : [`docs/sql/${path} is not what the code says`];
    }),
  ];
}

async function faults(url) {
  const { migrate } = await import('../dist/src/platform/database/migrate.js');
  await migrate(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const check = await StatementCheck.against(client);
    const found = [];
    for (const [i, { statement }] of statements.entries()) {
      for (const fault of await check.faultsOf(statement)) found.push(`${statement.name}: ${fault}`);
      if ((i + 1) % 25 === 0) process.stdout.write(`  ${i + 1} of ${statements.length} statements\n`);
    }
    return found;
  } finally {
    await client.end();
  }
}

if (emit) writeSnapshots();
const found = [...drift(), ...(await withDatabase(faults))];
for (const fault of found) process.stderr.write(`${fault}\n`);
if (found.some((fault) => fault.startsWith('docs/sql')))
  process.stderr.write('Run `npm run sql:emit` and commit docs/sql.\n');
process.stdout.write(`${statements.length} statements checked against the schema, ${found.length} faults.\n`);
process.exitCode = found.length === 0 ? 0 : 1;
