import { Injectable, type OnModuleInit } from '@nestjs/common';
import { expiredRows, Retention } from '../../platform/database/retention.js';
import { sql, statement, typed, type RowOf } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { existing } from '../../platform/oidc/errors.js';
import type { AuthorizationRequest } from './authorization-request.js';
import { KEPT_MS } from './interaction-times.js';
import { answerInteraction, INTERACTION_ROW, type InteractionRow } from './interactions.sql.js';

const COLUMNS = {
  browser_hash: 'bytea',
  request: typed<AuthorizationRequest | null>('jsonb?'),
  created_at: 'timestamptz',
  expires_at: 'timestamptz',
  session_id: 'uuid?',
  answered_at: 'timestamptz?',
} as const;

const INSERT = statement({
  name: 'interactions_insert',
  parameters: {
    ...INTERACTION_ROW,
    clientId: 'text?',
    request: typed<AuthorizationRequest | null>('jsonb?'),
    sessionId: 'uuid?',
  },
  text: `
    INSERT INTO interactions (id_hash, browser_hash, client_id, request, created_at, expires_at, session_id)
    VALUES (:interactionHash, :interactionBrowser, :clientId, :request, :interactionBegan, :interactionExpires, :sessionId)`,
});

const FIND = statement({
  name: 'interactions_find',
  parameters: { idHash: 'bytea' },
  row: COLUMNS,
  text: `SELECT ${Object.keys(COLUMNS).join(', ')} FROM interactions WHERE id_hash = :idHash`,
});

/** The empty update locks the row that is there, and only makes RETURNING answer. */
const HOLD = statement({
  name: 'interactions_hold',
  parameters: INTERACTION_ROW,
  row: { session_id: 'uuid?', answered_at: 'timestamptz?' },
  text: `
    INSERT INTO interactions (id_hash, browser_hash, created_at, expires_at)
    VALUES (:interactionHash, :interactionBrowser, :interactionBegan, :interactionExpires)
    ON CONFLICT (id_hash) DO UPDATE SET browser_hash = interactions.browser_hash
    RETURNING session_id, answered_at`,
});

const SET_SESSION = statement({
  name: 'interactions_set_session',
  parameters: { ...INTERACTION_ROW, sessionId: 'uuid' },
  text: `
    INSERT INTO interactions (id_hash, browser_hash, created_at, expires_at, session_id)
    VALUES (:interactionHash, :interactionBrowser, :interactionBegan, :interactionExpires, :sessionId)
    ON CONFLICT (id_hash) DO UPDATE SET session_id = excluded.session_id`,
});

const ANSWER = statement({
  name: 'interactions_answer',
  parameters: { ...INTERACTION_ROW, now: 'timestamptz' },
  row: { id_hash: 'bytea' },
  text: sql`
    WITH one AS (SELECT 1),
    ${answerInteraction('one')}
    SELECT id_hash FROM answered`,
});

const EXPIRED = expiredRows({
  name: 'interactions_remove_expired',
  table: 'interactions',
  key: 'id_hash',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

export type StoredInteraction = Readonly<RowOf<typeof COLUMNS>>;

export interface NewInteraction extends InteractionRow {
  readonly clientId: string | undefined;
  readonly request: AuthorizationRequest | undefined;
  readonly sessionId: string | undefined;
}

/** What has come of an interaction whose row is locked. */
export interface HeldInteraction {
  readonly sessionId: string | undefined;
  readonly answeredAt: Date | null;
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

  async find(idHash: Buffer): Promise<StoredInteraction | undefined> {
    const [row] = await this.transactions.query(FIND, { idHash });
    return row;
  }

  /** Its row, which is written if there is none, is locked until the transaction ends. */
  async hold(tx: Tx, row: InteractionRow): Promise<HeldInteraction> {
    const held = existing((await tx.query(HOLD, row))[0], 'interaction');
    return { sessionId: held.session_id ?? undefined, answeredAt: held.answered_at };
  }

  async setSession(row: InteractionRow, sessionId: string, tx?: Tx): Promise<void> {
    await (tx ?? this.transactions).query(SET_SESSION, { ...row, sessionId });
  }

  /** False when it was answered before. */
  async answer(row: InteractionRow, now: Date): Promise<boolean> {
    return (await this.transactions.query(ANSWER, { ...row, now })).length === 1;
  }
}
