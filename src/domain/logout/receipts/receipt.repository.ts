import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Retention } from '../../../platform/database/retention.js';
import { statement, typed, type RowOf } from '../../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../../platform/database/transaction.js';
import type { LogoutInitiator, TerminationCause } from '../command/logout.js';
import { noticesStand } from '../notices/deliveries.sql.js';
import type { WithoutNotice } from '../termination/without-notice.js';
import { NEWEST_IS_OF, OLD_RECEIPTS, ORPHANED_DEBTS } from './receipt-retention.sql.js';
import { hasPending, LEDGER_KEPT_MS } from './unfinished.sql.js';
import type { Receipt, ReceiptApplication } from './receipt.js';
import { listed } from '../../../platform/database/sql-text.js';

/** The number of the advisory lock, "exer" in ASCII. */
const LOCK = 0x65786572;

const TRY_LOCK = statement({
  name: 'receipts_try_lock',
  parameters: { lock: 'bigint' },
  row: { mine: 'boolean' },
  text: 'SELECT pg_try_advisory_xact_lock(:lock) AS mine',
});

/** The next `:limit` that lack one, along their ids, and whether nothing of them is pending. By keys. */
const OWED = statement({
  name: 'receipts_owed',
  parameters: { after: 'uuid?', limit: 'int' },
  row: { id: 'uuid', ready: 'boolean' },
  text: `
    SELECT o.termination_id AS id, NOT ${hasPending('o.termination_id')} AS ready
      -- In one comparison, so that the index is entered where the page begins.
      FROM (SELECT x.termination_id FROM logout_receipts_owed x
             WHERE x.termination_id > coalesce(:after, '00000000-0000-0000-0000-000000000000')
             ORDER BY x.termination_id LIMIT :limit) o
     ORDER BY o.termination_id`,
});

const HOLDS = statement({
  name: 'receipts_holds',
  parameters: { sequence: 'bigint', hash: 'text' },
  row: { same: 'boolean' },
  text: 'SELECT hash = :hash AS same FROM logout_receipts WHERE sequence = :sequence',
});

/** Retention takes the oldest ones and never the newest: what is older than what is there has left, not been cut. */
const OLDEST = statement({
  name: 'receipts_oldest',
  row: { sequence: 'bigint?' },
  text: 'SELECT min(sequence) AS sequence FROM logout_receipts',
});

const HEAD = statement({
  name: 'receipts_head',
  row: { sequence: 'bigint', hash: 'text', issued_at: 'timestamptz' },
  text: 'SELECT sequence, hash, issued_at FROM logout_receipts ORDER BY sequence DESC LIMIT 1',
});

/**
 * The lock on `o` keeps a notice that ends once more at this moment (`REOPEN_RECEIPTS`) from being overlooked. The
 * table of those that lack one is small, and everything else is looked up by its key, whatever the statistics of the tables say.
 */
const DUE = statement({
  name: 'receipts_due',
  parameters: { terminationIds: 'uuid[]', limit: 'int' },
  row: {
    id: 'uuid',
    cause: typed<TerminationCause>('text'),
    initiator: typed<LogoutInitiator['kind']>('text'),
    account_id: 'uuid?',
    sessions: 'int',
    grants_revoked: 'int',
    occurred_at: 'timestamptz',
    without_notice: typed<readonly WithoutNotice[]>('jsonb'),
    applications: typed<readonly ReceiptApplication[]>('json?'),
    superseded: 'bigint?',
    revision: 'int?',
  },
  text: `
    WITH due AS MATERIALIZED (
      SELECT o.termination_id FROM logout_receipts_owed o
       WHERE o.termination_id = ANY(:terminationIds) AND NOT ${hasPending('o.termination_id')}
       ORDER BY o.termination_id LIMIT :limit FOR UPDATE OF o SKIP LOCKED
    )
    SELECT t.id, t.cause, t.initiator ->> 'kind' AS initiator, t.account_id, t.sessions, t.grants_revoked, t.occurred_at,
           t.without_notice, a.applications, r.sequence AS superseded, r.revision
      FROM due o
     CROSS JOIN LATERAL (SELECT * FROM session_terminations x WHERE x.id = o.termination_id OFFSET 0) t
      LEFT JOIN LATERAL (
        SELECT json_agg(json_build_object('client_id', g.client_id, 'outcome', g.state, 'notices', g.notices,
                                          'attempts', g.attempts, 'finished_at', g.finished_at) ORDER BY g.client_id, g.state) AS applications
          FROM (${noticesStand('o.termination_id')}) g
      ) a ON true
      LEFT JOIN LATERAL (
        SELECT x.sequence, x.revision FROM logout_receipts x
         WHERE x.termination_id = o.termination_id AND x.issued_at >= t.occurred_at - interval '1 hour' ORDER BY x.revision DESC LIMIT 1
      ) r ON true
     ORDER BY o.termination_id`,
});

/** What was exported must not be lost with a primary: its number would be missing in the chain for ever. */
const ISSUE = statement({
  name: 'receipts_issue',
  ends: true,
  parameters: {
    sequences: 'bigint[]',
    terminationIds: 'uuid[]',
    revisions: 'int[]',
    jws: 'text[]',
    hashes: 'text[]',
    previousHashes: 'text[]',
    issuedAt: 'timestamptz',
  },
  text: `
    WITH issued AS (
      INSERT INTO logout_receipts (sequence, termination_id, revision, jws, hash, previous_hash, issued_at)
      SELECT r.*, :issuedAt FROM ${listed(':sequences', ':terminationIds', ':revisions', ':jws', ':hashes', ':previousHashes')} AS r
    )
    DELETE FROM logout_receipts_owed o WHERE o.termination_id = ANY(:terminationIds)`,
});

const COLUMNS = 'r.sequence, r.termination_id, r.revision, r.jws, r.hash, r.previous_hash, r.issued_at';
const RECEIPT = {
  sequence: 'bigint',
  termination_id: 'uuid',
  revision: 'int',
  jws: 'text',
  hash: 'text',
  previous_hash: 'text?',
  issued_at: 'timestamptz',
} as const;

const LATEST = statement({
  name: 'receipts_latest',
  parameters: { terminationId: 'uuid' },
  row: RECEIPT,
  text: `SELECT ${COLUMNS} FROM logout_receipts r WHERE r.termination_id = :terminationId ORDER BY r.revision DESC LIMIT 1`,
});

const AFTER = statement({
  name: 'receipts_after',
  parameters: { sequence: 'bigint', limit: 'int' },
  row: RECEIPT,
  text: `SELECT ${COLUMNS} FROM logout_receipts r WHERE r.sequence > :sequence ORDER BY r.sequence LIMIT :limit`,
});

/** The newest receipt; `hash` is null when there is none. */
export interface ChainHead {
  readonly sequence: number;
  readonly hash: string | null;
  readonly issuedAt?: Date;
}

/** Some of the terminations that lack a receipt. */
export interface OwedReceipts {
  /** Nothing of these is pending. */
  readonly ready: readonly string[];
  /** Where to continue; undefined at the end. */
  readonly last: string | undefined;
}

/** A termination whose notices have all ended. */
export interface DueReceipt {
  readonly terminationId: string;
  readonly cause: TerminationCause;
  readonly initiator: LogoutInitiator['kind'];
  readonly accountId: string | null;
  readonly sessions: number;
  readonly grantsRevoked: number;
  readonly endedAt: Date;
  readonly applications: readonly ReceiptApplication[];
  readonly withoutNotice: readonly WithoutNotice[];
  /** The latest receipt that it has already. */
  readonly superseded: { readonly sequence: number; readonly revision: number } | undefined;
}

/**
 * The chain of receipts. A transaction that adds to it holds its lock until the commit, so it has one end and no gaps.
 */
@Injectable()
export class ReceiptRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register(
      { ...OLD_RECEIPTS, keepMs: LEDGER_KEPT_MS, byDay: { by: 'time', held: NEWEST_IS_OF } },
      { ...ORPHANED_DEBTS, keepMs: 2 * LEDGER_KEPT_MS },
    );
  }

  /** Terminations that lack a receipt, at most `limit`, in the order of their ids: those whose notices have ended. */
  async owed(after: string | undefined, limit: number): Promise<OwedReceipts> {
    const rows = await this.transactions.query(OWED, { after, limit });
    return {
      ready: rows.filter(({ ready }) => ready).map(({ id }) => id),
      last: rows.length < limit ? undefined : rows.at(-1)?.id,
    };
  }

  /** Until the end of `tx` no other transaction adds to the chain. False: another one does. */
  async tryLock(tx: Tx): Promise<boolean> {
    const [row] = await tx.query(TRY_LOCK, { lock: LOCK });
    return row?.mine === true;
  }

  /** Whether this receipt is in the chain, or has left it from the oldest end as retention has it. */
  async holds(tx: Tx, sequence: number, hash: string): Promise<boolean> {
    const [row] = await tx.query(HOLDS, { sequence, hash });
    if (row !== undefined) return row.same;
    const [oldest] = await tx.query(OLDEST, {});
    return oldest?.sequence != null && Number(oldest.sequence) > sequence;
  }

  /** The end of the chain. */
  async head(tx: Tx): Promise<ChainHead> {
    const [row] = await tx.query(HEAD, {});
    if (row === undefined) return { sequence: 0, hash: null };
    return { sequence: Number(row.sequence), hash: row.hash, issuedAt: row.issued_at };
  }

  /** Those of the named terminations that lack a receipt now. */
  async due(tx: Tx, terminationIds: readonly string[], limit: number): Promise<DueReceipt[]> {
    const rows = await tx.query(DUE, { terminationIds, limit });
    return rows.map(toDue);
  }

  async issue(tx: Tx, receipts: readonly Receipt[], issuedAt: Date): Promise<void> {
    await tx.query(ISSUE, {
      sequences: receipts.map((receipt) => receipt.sequence),
      terminationIds: receipts.map((receipt) => receipt.terminationId),
      revisions: receipts.map((receipt) => receipt.revision),
      jws: receipts.map((receipt) => receipt.jws),
      hashes: receipts.map((receipt) => receipt.hash),
      previousHashes: receipts.map((receipt) => receipt.previousHash),
      issuedAt,
    });
  }

  async latest(terminationId: string): Promise<Receipt | undefined> {
    const [row] = await this.transactions.query(LATEST, { terminationId });
    return row === undefined ? undefined : toReceipt(row);
  }

  /** In the order of the chain. */
  async after(sequence: number, limit: number): Promise<Receipt[]> {
    return (await this.transactions.query(AFTER, { sequence, limit })).map(toReceipt);
  }
}

function toDue(row: RowOf<typeof DUE>): DueReceipt {
  return {
    terminationId: row.id,
    cause: row.cause,
    initiator: row.initiator,
    accountId: row.account_id,
    sessions: row.sessions,
    grantsRevoked: row.grants_revoked,
    endedAt: row.occurred_at,
    applications: (row.applications ?? []).map((application) => ({
      ...application,
      finished_at: new Date(application.finished_at).toISOString(),
    })),
    withoutNotice: row.without_notice,
    superseded: row.superseded === null ? undefined : { sequence: Number(row.superseded), revision: row.revision ?? 1 },
  };
}

function toReceipt(row: RowOf<typeof RECEIPT>): Receipt {
  return {
    sequence: Number(row.sequence),
    terminationId: row.termination_id,
    revision: row.revision,
    jws: row.jws,
    hash: row.hash,
    previousHash: row.previous_hash,
    issuedAt: row.issued_at,
  };
}
