import type { LogoutDurability } from '../config/settings.js';
import { statement } from './statement.js';

/**
 * What is set, until the transaction ends. With `replicated` something is always written, so that there is something to
 * wait for: a logout that is repeated after a 503 finds nothing to end, and its answer says that the first one lasts. And
 * the warning that a wait was cancelled must reach us.
 */
const SETS: Readonly<Record<LogoutDurability, string>> = {
  local: `pg_catalog.set_config('synchronous_commit', 'local', true) IS NULL`,
  replicated: `pg_catalog.set_config('synchronous_commit', CASE pg_catalog.current_setting('synchronous_commit')
       WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true) IS NULL
     OR pg_catalog.set_config('client_min_messages', 'warning', true) IS NULL
     OR pg_catalog.pg_logical_emit_message(true, 'exeunt', '') IS NULL`,
};
const WITH = /^\s*WITH(?:\s+RECURSIVE)?\s/i;

/**
 * The statement, which waits at its commit for as much replication as `durability` says: in its one round trip, and by
 * nothing that belongs to a session, which a pooler may lend to others
 * (docs/decisions/0059-endings-that-outlast-a-failover.md).
 *
 * By an `INSERT` that inserts nothing, into a table that is there for this alone: a `SELECT` that nothing refers to is not
 * carried out.
 */
export function durably(text: string, durability: LogoutDurability): string {
  return after(`durable AS (INSERT INTO commit_waits SELECT WHERE ${SETS[durability]})`, text);
}

/**
 * The statement, which a standby refuses (25006), though it only reads. For what goes through a pooler: that may connect
 * our connection to another server, which was the primary, and what is read there may be behind
 * (docs/decisions/0060-a-pooler-in-transaction-mode.md).
 */
export function atPrimary(text: string): string {
  return after('at_primary AS (INSERT INTO commit_waits SELECT WHERE false)', text);
}

function after(cte: string, text: string): string {
  return WITH.test(text) ? text.replace(WITH, (start) => `${start}${cte},`) : `WITH ${cte} ${text}`;
}

/** The function in which Postgres waits for standbys: it names itself in the warning that the wait was cancelled. */
const WAIT = 'SyncRepWaitForLSN';

/** Whether a notice of Postgres says that the commit it belongs to is on no standby, though it was to be. */
export function saysNotReplicated(notice: { readonly routine?: string | undefined }): boolean {
  return notice.routine === WAIT;
}

/**
 * It was committed, and Postgres gave up the wait for a standby: a failover may undo it. To an edge this is a failure of
 * storage, as if the answer had been lost.
 */
export class NotReplicatedError extends Error {
  /** `transaction_resolution_unknown` (PostgreSQL 18, appendix A). */
  readonly code = '08007';

  constructor() {
    super('committed, and not known to be on a standby');
    this.name = 'NotReplicatedError';
  }
}

/** Ends nothing, and waits as a statement that does. */
export const CONFIRM = statement({
  name: 'database_confirm',
  ends: true,
  row: { confirmed: 'boolean' },
  text: 'SELECT true AS confirmed',
});
