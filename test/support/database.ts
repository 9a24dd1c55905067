import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  query<Row = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

/** A database of its own, copied from the migrated template; with `empty`, one without any schema. */
export async function createTestDatabase(options: { readonly empty?: boolean } = {}): Promise<TestDatabase> {
  const templateUrl = inject('templateUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const url = templateUrl.replace('/template_exeunt', `/${name}`);
  const template = options.empty === true ? 'template0' : 'template_exeunt';
  await maintain(templateUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => undefined);
  return {
    url,
    name,
    async query<Row>(sql: string, values: unknown[] = []): Promise<Row[]> {
      return (await pool.query(sql, values)).rows as Row[];
    },
    async drop() {
      await pool.end();
      await maintain(templateUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/** Copying takes the template for itself, so copies wait for each other. */
async function maintain(templateUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: templateUrl.replace('/template_exeunt', '/maintenance') });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock(1)');
    await client.query(sql);
  } finally {
    await client.end();
  }
}
