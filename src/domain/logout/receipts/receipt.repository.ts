import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DAY } from '../../../platform/clock/durations.js';
import { expiredRows, Retention } from '../../../platform/database/retention.js';
import { statement, typed, type RowOf } from '../../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../../platform/database/transaction.js';
import type { LogoutInitiator, TerminationCause } from '../command/logout.js';
import type { WithoutNotice } from '../termination/without-notice.js';
import type { Receipt, ReceiptApplication } from './receipt.js';

/** The number of the advisory lock, "exer" in ASCII. */
const LOCK = 0x65786572;

const TRY_LOCK = statement({
  name: 'receipts_try_lock',
  parameters: { lock: 'bigint' },
  row: { mine: 'boolean' },
  text: 'SELECT pg_try_advisory_xact_lock(:lock) AS mine',
});

const UNRECEIPTED = statement({
  name: 'receipts_unreceipted',
  parameters: { after: 'uuid?', limit: 'int' },
  row: { id: 'uuid' },
  text: `
    SELECT id FROM session_terminations WHERE receipted_at IS NULL AND (:after IS NULL OR id > :after) ORDER BY id LIMIT :limit`,
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
  row: { sequence: 'bigint', hash: 'text' },
  text: 'SELECT sequence, hash FROM logout_receipts ORDER BY sequence DESC LIMIT 1',
});

/**
 * The lock on `t` keeps a notice that ends once more at this moment (see `logout_deliveries_record`) from being
 * overlooked.
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
    SELECT t.id, t.cause, t.initiator ->> 'kind' AS initiator, t.account_id, t.sessions, t.grants_revoked, t.occurred_at,
           t.without_notice, a.applications, r.sequence AS superseded, r.revision
      FROM session_terminations t
      LEFT JOIN LATERAL (
        SELECT json_agg(json_build_object('client_id', g.client_id, 'outcome', g.state, 'notices', g.notices,
                                          'attempts', g.attempts, 'finished_at', g.finished_at) ORDER BY g.client_id, g.state) AS applications
          FROM (SELECT d.client_id, d.state, count(*) AS notices, sum(d.attempts) AS attempts, max(d.finished_at) AS finished_at
                  FROM logout_deliveries d WHERE d.termination_id = t.id GROUP BY d.client_id, d.state) g
      ) a ON true
      LEFT JOIN LATERAL (
        SELECT x.sequence, x.revision FROM logout_receipts x WHERE x.termination_id = t.id ORDER BY x.revision DESC LIMIT 1
      ) r ON true
     WHERE t.id = ANY(:terminationIds) AND t.receipted_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.termination_id = t.id AND d.state = 'pending')
     ORDER BY t.id LIMIT :limit FOR NO KEY UPDATE OF t SKIP LOCKED`,
});

const ISSUE = statement({
  name: 'receipts_issue',
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
      SELECT r.*, :issuedAt FROM unnest(:sequences, :terminationIds, :revisions, :jws, :hashes, :previousHashes) AS r
      RETURNING termination_id
    )
    UPDATE session_terminations t SET receipted_at = :issuedAt FROM issued i WHERE t.id = i.termination_id`,
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

/** From the oldest end and never from the middle, and the newest one stays: the next one names it. */
const OLD = expiredRows({
  name: 'receipts_remove_old',
  table: 'logout_receipts',
  key: 'sequence',
  condition: `sequence < coalesce((SELECT min(r.sequence) FROM logout_receipts r WHERE r.issued_at >= :before),
                                      (SELECT max(r.sequence) FROM logout_receipts r))`,
  along: 'sequence',
});
const KEPT_MS = 90 * DAY;

/** The newest receipt; `hash` is null when there is none. */
export interface ChainHead {
  readonly sequence: number;
  readonly hash: string | null;
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
    this.retention.register({ ...OLD, keepMs: KEPT_MS });
  }

  /** Terminations without a receipt, whether or not their notices have ended, in the order of their ids. */
  async unreceipted(after: string | undefined, limit: number): Promise<string[]> {
    const rows = await this.transactions.query(UNRECEIPTED, { after, limit });
    return rows.map((row) => row.id);
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
    return row === undefined ? { sequence: 0, hash: null } : { sequence: Number(row.sequence), hash: row.hash };
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
