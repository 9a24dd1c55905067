import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { declaredStatements, type Statement } from '../../src/platform/database/statement.js';
import { sqlTypeOf } from '../../src/platform/database/sql-types.js';
import { TestApp } from '../support/app.js';

/** Postgres plans with the values so often before it compares that with a plan for all values (`PREPARE`). */
const TRIES = 5;

/** A value of the type; a list has `length` of them. */
function valueOf(type: Parameters<typeof sqlTypeOf>[0], length: number): unknown {
  const { name } = sqlTypeOf(type);
  if (name.endsWith('[]')) return Array.from({ length }, () => valueOf(name.slice(0, -2) as 'text', length));
  if (name === 'uuid') return randomUUID();
  if (name === 'timestamptz') return new Date();
  if (name === 'bytea') return Buffer.from(randomUUID());
  if (name === 'int' || name === 'bigint' || name === 'float8') return 1;
  if (name === 'boolean') return true;
  return name === 'json' || name === 'jsonb' ? '{}' : randomUUID();
}

describe('a statement that takes lists', () => {
  let app: TestApp;
  let client: pg.Client;
  const withLists = declaredStatements()
    .map(({ statement }) => statement)
    .filter(
      ({ plannedAnew, parameters }) =>
        !plannedAnew && Object.values(parameters).some((type) => sqlTypeOf(type).name.endsWith('[]')),
    );

  beforeAll(async () => {
    app = await TestApp.start();
    client = new pg.Client({ connectionString: app.db.url });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await app.stop();
  });

  /** What it finds is not the question, nor whether it takes these values. */
  async function runWith(statement: Statement<never, unknown>, length: number): Promise<void> {
    const values = Object.values(statement.parameters).map((type) => valueOf(type, length));
    await client.query('BEGIN');
    await client.query({ name: statement.name, text: statement.text, values }).catch(() => undefined);
    await client.query('ROLLBACK');
  }

  it('there are some', () => {
    expect(withLists.map(({ name }) => name)).toContain('access_tokens_live_grant');
  });

  it.each(withLists.map((statement) => [statement.name, statement] as const))(
    'is not planned anew for each number of items: %s',
    async (name, statement) => {
      for (let n = 0; n < 3 * TRIES; n += 1) await runWith(statement, 1 + (n % 3));
      const { rows } = await client.query<{ custom_plans: string; generic_plans: string }>(
        'SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE name = $1',
        [name],
      );
      expect(rows.map(({ custom_plans }) => Number(custom_plans))).toEqual([TRIES]);
    },
  );
});
