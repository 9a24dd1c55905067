import pg from 'pg';
import { vi } from 'vitest';
import type { TestDatabase } from './database.js';

type Database = Pick<TestDatabase, 'url' | 'query'>;

/** What an insert waits for that {@link stopInserts} stops. */
export const STOP = 'SELECT pg_advisory_xact_lock(42)';

/** Until so many statements of this database wait for a lock. */
export async function untilWaiting(db: Pick<Database, 'query'>, n = 1): Promise<void> {
  await vi.waitUntil(
    async () => {
      const [row] = await db.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return (row?.n ?? 0) >= n;
    },
    { timeout: 15_000, interval: 5 },
  );
}

/** Runs `work` while a transaction of its own holds what `sql` locks; the lock is released when it returns. */
export async function holding<T>(
  db: Pick<Database, 'url'>,
  sql: string,
  values: readonly unknown[],
  work: (holder: pg.Client) => Promise<T>,
): Promise<T> {
  const holder = new pg.Client({ connectionString: db.url });
  await holder.connect();
  try {
    await holder.query('BEGIN');
    await holder.query(sql, [...values]);
    const result = await work(holder);
    await holder.query('COMMIT');
    return result;
  } finally {
    await holder.end();
  }
}

/** Holds what `sql` locks, lets `queued` line up for it one by one, and then lets go. */
export async function inLineFor<T>(
  db: Database,
  sql: string,
  values: readonly unknown[],
  queued: readonly (() => Promise<T>)[],
): Promise<T[]> {
  const running = await holding(db, sql, values, async () => {
    const started: Promise<T>[] = [];
    for (const start of queued) {
      started.push(start());
      await untilWaiting(db, started.length);
    }
    return started;
  });
  return Promise.all(running);
}

/** From now on an insert into `table` waits for {@link STOP}. Returns what undoes it. */
export async function stopInserts(db: Pick<Database, 'query'>, table: string): Promise<() => Promise<void>> {
  await db.query(
    `CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$`,
  );
  await db.query(`CREATE TRIGGER stop_here BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION stop_here()`);
  return async () => {
    // By the table's name, which is locked before its partitions are, as by every statement that is under way.
    await db.query(`DROP TRIGGER stop_here ON ${table}; DROP FUNCTION stop_here()`);
  };
}

/** Starts a request that stops where it writes to `table`, does what happens meanwhile, and lets the request go on. */
export async function stoppedAt<T>(
  db: Database,
  table: string,
  start: () => Promise<T>,
  meanwhile: () => Promise<unknown>,
): Promise<T> {
  const undo = await stopInserts(db, table);
  try {
    const request = await holding(db, STOP, [], async () => {
      const started = start();
      await untilWaiting(db);
      await meanwhile();
      return { started };
    });
    return await request.started;
  } finally {
    await undo();
  }
}
