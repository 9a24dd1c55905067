import { Injectable } from '@nestjs/common';
import { accountHasPasswordOf, accountIsEnabled, lockAccount } from '../accounts/accounts.sql.js';
import { beginSessionWithin, INTERACTION_ROW, type InteractionRow } from '../interactions/interactions.sql.js';
import { AUDITED, recordEvents, type AuditedRow } from '../../platform/audit/audit.sql.js';
import { fragment, sql, statement } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { NEWEST_ORDER } from '../../platform/epochs/epochs.sql.js';
import { sessionIsAlive } from './sessions.sql.js';

const SIGN_IN = {
  sessionId: 'uuid',
  accountId: 'uuid',
  passwordChangedAt: 'timestamptz?',
  cookieHash: 'bytea',
  amr: 'text[]',
  now: 'timestamptz',
  idleExpiresAt: 'timestamptz',
  expiresAt: 'timestamptz',
  address: 'text?',
  userAgent: 'text?',
  ownSignInAt: 'timestamptz?',
  upstreamAuthTime: 'timestamptz?',
} as const;

/** Locked, so that an account being disabled or given a new password at this moment gets no session from the old one. */
const ACCOUNT = fragment({
  gives: ['account'],
  parameters: { accountId: 'uuid', passwordChangedAt: 'timestamptz?' },
  text: `
     account AS (
       SELECT a.id FROM accounts a WHERE a.id = :accountId AND ${accountIsEnabled('a')} AND ${accountHasPasswordOf('a', ':passwordChangedAt')}
          FOR SHARE
     )`,
});

/** A session for the one row of `from`, which is of common table expressions, `account` among them. */
function insertSession(from: string): string {
  return `
       INSERT INTO sessions (id, account_id, cookie_hash, authenticated_at, amr, created_at, last_seen_at, idle_expires_at,
                             expires_at, address, user_agent, own_sign_in_at, upstream_auth_time, began_after_order)
       SELECT :sessionId, account.id, :cookieHash, :now, :amr, :now, :now, least(:idleExpiresAt, :expiresAt),
              :expiresAt, :address, :userAgent, :ownSignInAt, :upstreamAuthTime, ${NEWEST_ORDER}
         FROM ${from} RETURNING id`;
}

const CREATE = statement({
  name: 'sessions_create',
  parameters: SIGN_IN,
  row: { id: 'uuid' },
  text: sql`
    WITH ${ACCOUNT}
    ${insertSession('account')}`,
});

/** With the interaction's row, and on record. Of two that come at once one makes both, and the other neither. */
const CREATE_WITHIN = statement({
  name: 'sessions_create_within_interaction',
  parameters: { ...SIGN_IN, ...INTERACTION_ROW, ...AUDITED },
  row: { is_usable: 'boolean', is_created: 'boolean' },
  text: sql`
    WITH ${ACCOUNT}, ${beginSessionWithin('account')}, created AS (${insertSession('account, interaction')}
     ), ${recordEvents('sign_in', 'SELECT :auditId AS id, :now AS at, :auditDetails AS details FROM created', ['created'])}
    SELECT EXISTS (SELECT FROM account) AS is_usable, EXISTS (SELECT FROM created) AS is_created`,
});

const REAUTHENTICATE = statement({
  name: 'sessions_reauthenticate',
  parameters: SIGN_IN,
  row: { id: 'uuid' },
  text: `
    UPDATE sessions s
       SET cookie_hash = :cookieHash, before_routing = false, authenticated_at = :now, amr = :amr, last_seen_at = :now,
           idle_expires_at = least(:idleExpiresAt, :expiresAt), expires_at = :expiresAt, address = :address,
           user_agent = :userAgent, own_sign_in_at = coalesce(:ownSignInAt, s.own_sign_in_at),
           upstream_auth_time = :upstreamAuthTime
      FROM accounts a
     WHERE s.account_id = :accountId AND s.id = :sessionId AND a.id = :accountId
       AND ${sessionIsAlive('s', 'a', ':accountId', ':now')} AND ${accountHasPasswordOf('a', ':passwordChangedAt')}
    RETURNING s.id`,
});

const LOCK_ACCOUNT = statement({
  name: 'sessions_lock_account',
  parameters: { accountId: 'uuid' },
  row: { id: 'uuid' },
  text: lockAccount(':accountId'),
});

/** What a sign-in makes of a session, or gives to the one that there is. */
export interface SignInOfSession {
  readonly sessionId: string;
  readonly accountId: string;
  /** By which password it was proved: one that was set since begins nothing. */
  readonly passwordChangedAt: Date | null;
  readonly cookieHash: Buffer;
  readonly amr: readonly string[];
  readonly now: Date;
  readonly idleExpiresAt: Date;
  readonly expiresAt: Date;
  readonly address: string | null;
  readonly userAgent: string | null;
  /** Null when another provider's word was taken for it. */
  readonly ownSignInAt: Date | null;
  readonly upstreamAuthTime: Date | null;
}

/** `refused`: the account was disabled, deleted or given another password since the proof. */
export type CreatedWithin = 'created' | 'refused' | 'interaction_has_row';

/** The part of the table `sessions` that a sign-in writes. */
@Injectable()
export class SessionSignInRepository {
  constructor(private readonly transactions: TransactionRunner) {}

  /** False when the account was disabled, deleted or given another password since the proof. */
  async create(tx: Tx | undefined, signIn: SignInOfSession): Promise<boolean> {
    return (await (tx ?? this.transactions).query(CREATE, signIn)).length > 0;
  }

  /** As {@link create}, within an interaction that has no row yet, and with the record of the sign-in. */
  async createWithin(signIn: SignInOfSession, interaction: InteractionRow, record: AuditedRow): Promise<CreatedWithin> {
    const [row] = await this.transactions.query(CREATE_WITHIN, { ...signIn, ...interaction, ...record });
    if (row?.is_created === true) return 'created';
    return row?.is_usable === true ? 'interaction_has_row' : 'refused';
  }

  /** As {@link create}, of the session that there is: false, too, when it is not alive or another account's. */
  async reauthenticate(tx: Tx | undefined, signIn: SignInOfSession): Promise<boolean> {
    return (await (tx ?? this.transactions).query(REAUTHENTICATE, signIn)).length > 0;
  }

  /** Sessions of the account begin one after the other until this transaction ends. */
  async lockAccount(tx: Tx, accountId: string): Promise<void> {
    await tx.query(LOCK_ACCOUNT, { accountId });
  }
}
