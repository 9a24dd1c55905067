import { spawnSync } from 'node:child_process';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/platform/database/data-source-options.js';
import { migrate } from '../../src/platform/database/migrate.js';
import { ENTITIES } from '../../src/entities.js';
import * as migrations from '../../migrations/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const COUNT = Object.keys(migrations).length;

/** What the schema is made of, in words that can be compared. */
async function schemaOf(db: TestDatabase): Promise<string[]> {
  const rows = await db.query<{ line: string }>(`
    SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) AS line
      FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    ORDER BY 1`);
  return rows.map(({ line }) => line).filter((line) => !/\bmigrations\b/.test(line));
}

describe('migrations', () => {
  let db: TestDatabase;

  beforeEach(async () => {
    db = await createTestDatabase({ empty: true });
  });
  afterEach(() => db.drop());

  async function withDataSource<T>(work: (dataSource: DataSource) => Promise<T>): Promise<T> {
    const dataSource = await new DataSource(dataSourceOptions(db.url, 2, ENTITIES)).initialize();
    try {
      return await work(dataSource);
    } finally {
      await dataSource.destroy();
    }
  }

  it('go up, down to nothing, and up again to the same schema', async () => {
    expect(await migrate(db.url)).toHaveLength(COUNT);
    const up = await schemaOf(db);
    expect(up.length).toBeGreaterThan(100);
    await withDataSource(async (dataSource) => {
      for (let i = 0; i < COUNT; i += 1) await dataSource.undoLastMigration();
    });
    expect(await schemaOf(db)).toEqual([]);
    expect(
      await db.query(`SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'`),
    ).toEqual([]);
    expect(await migrate(db.url)).toHaveLength(COUNT);
    expect(await schemaOf(db)).toEqual(up);
  });

  it('do nothing where they have run', async () => {
    await migrate(db.url);
    const before = await schemaOf(db);
    expect(await migrate(db.url)).toEqual([]);
    expect(await schemaOf(db)).toEqual(before);
  });

  it('run once when several nodes start at the same moment on an empty database', async () => {
    const runs = await Promise.all([migrate(db.url), migrate(db.url), migrate(db.url)]);
    expect(runs.map((names) => names.length).sort((a, b) => a - b)).toEqual([0, 0, COUNT]);
  });

  it('make the schema that the entities describe', async () => {
    await migrate(db.url);
    const { upQueries } = await withDataSource((dataSource) => dataSource.driver.createSchemaBuilder().log());
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('are found to differ when a column is missing (the check itself can fail)', async () => {
    await migrate(db.url);
    await db.query('ALTER TABLE accounts DROP COLUMN disabled_at');
    const { upQueries } = await withDataSource((dataSource) => dataSource.driver.createSchemaBuilder().log());
    expect(upQueries.map(({ query }) => query).join()).toContain('disabled_at');
  });

  it('leave the lock free when one of them fails', async () => {
    await db.query('CREATE TABLE accounts (id int)');
    await expect(migrate(db.url)).rejects.toThrow('accounts');
    const client = new pg.Client({ connectionString: db.url });
    await client.connect();
    const { rows } = await client.query('SELECT pg_try_advisory_lock($1) AS free', [0x65786575]);
    await client.end();
    expect(rows).toEqual([{ free: true }]);
    await db.query('DROP TABLE accounts');
    expect(await migrate(db.url)).toHaveLength(COUNT);
  });
});

describe('npm run migration:check', () => {
  it('makes a database of its own and says that nothing differs', { timeout: 120_000 }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/migration.mjs', 'check'], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    });
    expect(stderr).toBe('');
    expect(stdout).toContain('The migrations make the schema that the entities describe.');
    expect(status).toBe(0);
  });
});
