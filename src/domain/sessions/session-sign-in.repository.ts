import { Injectable } from '@nestjs/common';
import { accountHasPasswordOf, lockAccount } from '../accounts/accounts.sql.js';
import { beginSessionWithin, INTERACTION_ROW, type InteractionRow } from '../interactions/interactions.sql.js';
import { AUDITED, type AuditedRow } from '../../platform/audit/audit.sql.js';
import { sql, statement } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import {
  ACCOUNT_AT_SIGN_IN,
  beginSession,
  createdWithinOf,
  RECORD_SIGN_IN,
  SIGN_IN,
  type CreatedWithin,
  type SignInOfSession,
} from './session-begin.sql.js';
import { sessionIsAlive } from './sessions.sql.js';

const CREATE = statement({
  name: 'sessions_create',
  parameters: SIGN_IN,
  row: { id: 'uuid' },
  text: sql`WITH ${ACCOUNT_AT_SIGN_IN}, ${beginSession([])} SELECT id FROM created`,
});

/** With the interaction's row, and on record. Of two that come at once one makes both, and the other neither. */
const CREATE_WITHIN = statement({
  name: 'sessions_create_within_interaction',
  parameters: { ...SIGN_IN, ...INTERACTION_ROW, ...AUDITED },
  row: { is_usable: 'boolean', is_created: 'boolean' },
  text: sql`
    WITH ${ACCOUNT_AT_SIGN_IN}, ${beginSessionWithin('account')}, ${beginSession(['interaction'])}, ${RECORD_SIGN_IN}
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
    return createdWithinOf(row);
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
