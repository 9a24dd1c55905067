import pg from 'pg';
import type { Statement } from '../../src/platform/database/statement.js';
import type { TestDatabase } from './database.js';

interface Plan {
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
}

/** Statements as they were sent to Postgres. */
export interface Sent {
  readonly name?: string;
  readonly text: string;
  readonly values: unknown[];
}

/**
 * How many pages Postgres reads for a statement. What it writes is taken back. One without a name is planned each time that it
 * is sent; another one is planned without its values after a while, and must be right then, too.
 */
export async function pagesOfSent(db: TestDatabase, { name, text, values }: Sent): Promise<number> {
  const client = new pg.Client({ connectionString: db.url });
  await client.connect();
  try {
    await client.query(`SET plan_cache_mode = ${name === undefined ? 'force_custom_plan' : 'force_generic_plan'}`);
    await client.query('BEGIN');
    const { rows } = await client.query<{ 'QUERY PLAN': { Plan: Plan }[] }>({
      text: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`,
      values,
    });
    await client.query('ROLLBACK');
    const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
    return (plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0);
  } finally {
    await client.end();
  }
}

export function pagesOfStatement<Values>(
  db: TestDatabase,
  statement: Statement<Values, unknown>,
  values: NoInfer<Values>,
): Promise<number> {
  return pagesOfSent(db, { name: statement.name, text: statement.text, values: statement.bind(values) });
}

/** What this process sends to Postgres while `work` runs. */
export async function sentDuring(work: () => Promise<unknown>): Promise<Sent[]> {
  const spy = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await work();
    return spy.mock.calls
      .map(([sent]) => sent as unknown as pg.QueryConfig | string)
      .flatMap((sent) =>
        typeof sent === 'string'
          ? []
          : [{ ...(sent.name === undefined ? {} : { name: sent.name }), text: sent.text, values: sent.values ?? [] }],
      );
  } finally {
    spy.mockRestore();
  }
}

/** The pages of all that this process sends to Postgres while `work` runs. */
export async function pagesDuring(db: TestDatabase, work: () => Promise<unknown>): Promise<number> {
  let pages = 0;
  for (const sent of await sentDuring(work)) if (!NOT_EXPLAINED.test(sent.text)) pages += await pagesOfSent(db, sent);
  return pages;
}

const NOT_EXPLAINED = /^\s*(BEGIN|START|COMMIT|ROLLBACK|SET|SHOW|LISTEN|NOTIFY)\b/i;

/** As after a bulk load: nothing has counted the rows, and nothing is going to. */
export async function neverAnalyzed(db: TestDatabase): Promise<void> {
  const tables = await db.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace`,
  );
  for (const { name } of tables) await db.query(`ALTER TABLE ${name} SET (autovacuum_enabled = false)`);
}
