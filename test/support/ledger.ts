import { randomUUID } from 'node:crypto';
import type { TestDatabase } from './database.js';

type Database = Pick<TestDatabase, 'query'>;

/** All notices, accepted or not: a relation for a query. */
export const NOTICES = `(
  SELECT id, termination_id, client_id, account_id, sub, sid, state, attempts, next_attempt_at, created_at, resent_at, finished_at, last_error
    FROM logout_deliveries
   UNION ALL
  SELECT id, termination_id, client_id, account_id, sub, sid, 'delivered', attempts, finished_at, created_at, resent_at, finished_at, NULL
    FROM logout_delivered) AS notices`;

export interface WrittenNotice {
  readonly terminationId: string;
  readonly clientId: string;
  readonly state: string;
  readonly created: Date;
  /** Unless it is pending. */
  readonly finished?: Date;
  readonly lastError?: string;
}

/** Writes a notice as if it had come about, after one attempt. */
export async function writeNotice(db: Database, notice: WrittenNotice): Promise<void> {
  const { terminationId, clientId, state, created, finished, lastError } = notice;
  if (state === 'delivered') {
    await db.query(
      `INSERT INTO logout_delivered (id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, random_id)
       VALUES ($1, $2, $3, 'x', 'y', 1, $4, $5, true)`,
      [randomUUID(), terminationId, clientId, created, finished],
    );
    return;
  }
  await db.query(
    `INSERT INTO logout_deliveries (id, termination_id, client_id, cause, sub, sid, state, attempts, next_attempt_at, created_at, finished_at, last_error)
     VALUES ($1, $2, $3, 'admin', 'x', 'y', $4, 1, $5, $5, $6, $7)`,
    [randomUUID(), terminationId, clientId, state, created, state === 'pending' ? null : finished, lastError],
  );
}

/** Terminations that nothing of is pending, and that are owed a receipt. `first` is the SQL of their ids, of `i`. */
export async function writeTerminations(
  db: Database,
  count: number,
  at: Date,
  id = 'gen_random_uuid()',
): Promise<void> {
  await db.query(
    `WITH record AS (
       INSERT INTO session_terminations (id, cause, initiator, sessions, grants_revoked, deliveries, occurred_at)
       SELECT ${id}, 'admin', '{"kind":"system"}', 1, 0, 0, $2 FROM generate_series(1, $1::int) i RETURNING id, occurred_at)
     INSERT INTO logout_receipts_owed (termination_id, since) SELECT id, occurred_at FROM record`,
    [count, at],
  );
}
