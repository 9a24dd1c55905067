import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DAY } from '../../platform/clock/durations.js';
import { expiredRows, Retention } from '../../platform/database/retention.js';
import { statement, typed, type RowOf } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import type { AuthorizationRequest } from './authorization-request.js';

/**
 * How long after its time a person who comes back to an interaction still gets a way to continue: a notebook that was
 * closed overnight.
 */
const KEPT_MS = DAY;

const COLUMNS = {
  request: typed<AuthorizationRequest | null>('jsonb?'),
  session_id: 'uuid?',
  answered_at: 'timestamptz?',
  expires_at: 'timestamptz',
} as const;
const SELECT = `SELECT ${Object.keys(COLUMNS).join(', ')} FROM interactions`;

const INSERT = statement({
  name: 'interactions_insert',
  parameters: {
    idHash: 'bytea',
    browserHash: 'bytea',
    clientId: 'text?',
    request: typed<AuthorizationRequest | null>('jsonb?'),
    now: 'timestamptz',
    expiresAt: 'timestamptz',
    sessionId: 'uuid?',
  },
  text: `
    INSERT INTO interactions (id_hash, browser_hash, client_id, request, created_at, expires_at, session_id)
    VALUES (:idHash, :browserHash, :clientId, :request, :now, :expiresAt, :sessionId)`,
});

const FIND = statement({
  name: 'interactions_find',
  parameters: { idHash: 'bytea', browserHash: 'bytea' },
  row: COLUMNS,
  text: `${SELECT} WHERE id_hash = :idHash AND browser_hash = :browserHash`,
});

const FIND_OF_ANY_BROWSER = statement({
  name: 'interactions_find_of_any_browser',
  parameters: { idHash: 'bytea' },
  row: COLUMNS,
  text: `${SELECT} WHERE id_hash = :idHash`,
});

const LOCK = statement({
  name: 'interactions_lock',
  parameters: { idHash: 'bytea' },
  row: { session_id: 'uuid?' },
  text: 'SELECT session_id FROM interactions WHERE id_hash = :idHash FOR UPDATE',
});

const SET_SESSION = statement({
  name: 'interactions_set_session',
  parameters: { idHash: 'bytea', sessionId: 'uuid' },
  text: 'UPDATE interactions SET session_id = :sessionId WHERE id_hash = :idHash',
});

const ANSWER = statement({
  name: 'interactions_answer',
  parameters: { idHash: 'bytea', now: 'timestamptz' },
  row: { answered_at: 'timestamptz?' },
  text: `
    UPDATE interactions SET answered_at = :now WHERE id_hash = :idHash AND answered_at IS NULL RETURNING answered_at`,
});

const EXPIRED = expiredRows({
  name: 'interactions_remove_expired',
  table: 'interactions',
  key: 'id_hash',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

export type StoredInteraction = Readonly<RowOf<typeof COLUMNS>>;

export interface NewInteraction {
  readonly idHash: Buffer;
  readonly browserHash: Buffer;
  readonly clientId: string | undefined;
  readonly request: AuthorizationRequest | undefined;
  readonly now: Date;
  readonly expiresAt: Date;
  readonly sessionId: string | undefined;
}

/** The table `interactions`. */
@Injectable()
export class InteractionRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register({ ...EXPIRED, keepMs: KEPT_MS });
  }

  async insert(interaction: NewInteraction): Promise<void> {
    await this.transactions.query(INSERT, interaction);
  }

  /** @param browserHash of the browser that began it; undefined: of any */
  async find(idHash: Buffer, browserHash: Buffer | undefined): Promise<StoredInteraction | undefined> {
    const [row] = await (browserHash === undefined
      ? this.transactions.query(FIND_OF_ANY_BROWSER, { idHash })
      : this.transactions.query(FIND, { idHash, browserHash }));
    return row;
  }

  /** The session that began within it. Its row is locked until the transaction ends. */
  async lock(tx: Tx, idHash: Buffer): Promise<string | undefined> {
    const [row] = await tx.query(LOCK, { idHash });
    return row?.session_id ?? undefined;
  }

  async setSession(idHash: Buffer, sessionId: string, tx?: Tx): Promise<void> {
    await (tx ?? this.transactions).query(SET_SESSION, { idHash, sessionId });
  }

  /** False when it was answered before. */
  async answer(idHash: Buffer, now: Date): Promise<boolean> {
    return (await this.transactions.query(ANSWER, { idHash, now })).length === 1;
  }
}
