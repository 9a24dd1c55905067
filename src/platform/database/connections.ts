import type { ClientBase } from 'pg';

/** The SQLSTATE of a write that meets a standby, or a primary that takes none (`read_only_sql_transaction`). */
export const READ_ONLY = '25006';

/** How long Postgres lets things take, in milliseconds; 0: for ever. */
export interface TimeLimits {
  readonly statement: number;
  /** To wait for a lock: shorter, so that who holds it does not hold up what goes together with the one that waits. */
  readonly lock: number;
  readonly idleInTransaction: number;
}

/** A statement that hangs would hold its request and its locks for ever. */
export const LIMITS_OF_REQUESTS: TimeLimits = { statement: 15_000, lock: 5000, idleInTransaction: 30_000 };

/** How long a request waits for a connection, in milliseconds; then it fails as if storage were away. */
export const WAIT_MS = 5000;

/** A connection that ends at a standby. What is read there may be behind: a token that was revoked is still good there. */
export class StandbyError extends Error {
  readonly code = READ_ONLY;

  constructor() {
    super('this connection ends at a standby, which is in recovery');
    this.name = 'StandbyError';
  }
}

const RECOVERY = 'SELECT pg_catalog.pg_is_in_recovery() AS standby';
const PREPARE = `${RECOVERY},
  pg_catalog.set_config('statement_timeout', $1, false), pg_catalog.set_config('lock_timeout', $2, false),
  pg_catalog.set_config('idle_in_transaction_session_timeout', $3, false),
  pg_catalog.set_config('max_parallel_workers_per_gather', '0', false)`;
const PREPARE_MS = 5000;

/**
 * What is done once with each new connection, before anything uses it: the server at its other end must be a primary,
 * and gets the time limits. By a statement and not by parameters of the start message, which a pooler in between
 * refuses. None of our statements is sped up by parallel workers: for a person's few rows in a large table that was not analyzed yet
 * Postgres expects thousands, and starting two workers for them takes 20 ms.
 *
 * @throws StandbyError
 */
export function prepareConnection(limits: TimeLimits): (client: ClientBase) => Promise<void> {
  return async (client) => {
    const question = {
      text: PREPARE,
      values: [limits.statement, limits.lock, limits.idleInTransaction].map(String),
      query_timeout: PREPARE_MS,
    };
    const { rows } = await client.query<{ standby: boolean }>(question);
    if (rows[0]?.standby !== false) throw new StandbyError();
  };
}

/** Only asks: a setting would stay behind with a pooler that does not keep sessions. @throws StandbyError */
export async function requirePrimary(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ standby: boolean }>(RECOVERY);
  if (rows[0]?.standby !== false) throw new StandbyError();
}
