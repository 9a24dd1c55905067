import { accountHasPasswordOf, accountIsEnabled } from '../accounts/accounts.sql.js';
import { AUDITED, recordEvents } from '../../platform/audit/audit.sql.js';
import { fragment, sql, type Fragment } from '../../platform/database/statement.js';
import { NEWEST_ORDER } from '../../platform/epochs/epochs.sql.js';

/**
 * SQL by which a session begins, also as a part of statements of other modules: with a session that begins by a password
 * goes whatever its application gets for it.
 */

/** A sign-in as parameters of a statement. */
export const SIGN_IN = {
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

/**
 * The account that signs in: CTE `account` (id, disabled_at, not_before), empty when it may not be used. Locked, so that an account being
 * disabled or given a new password at this moment gets no session from the old one.
 */
export const ACCOUNT_AT_SIGN_IN = fragment({
  gives: ['account'],
  parameters: { accountId: 'uuid', passwordChangedAt: 'timestamptz?' },
  text: `
     account AS (
       SELECT a.id, a.disabled_at, a.not_before FROM accounts a
        WHERE a.id = :accountId AND ${accountIsEnabled('a')} AND ${accountHasPasswordOf('a', ':passwordChangedAt')}
          FOR SHARE
     )`,
});

const { accountId: _account, passwordChangedAt: _password, ...SIGN_IN_OF_SESSION } = SIGN_IN;

/** A session for the one row of `from`, which is of common table expressions, `account` among them: CTE `created` (id). */
export function beginSession(from: readonly string[]): Fragment {
  return fragment({
    needs: ['account', ...from],
    gives: ['created'],
    parameters: SIGN_IN_OF_SESSION,
    text: `
     created AS (
       INSERT INTO sessions (id, account_id, cookie_hash, authenticated_at, amr, created_at, last_seen_at, idle_expires_at,
                             expires_at, address, user_agent, own_sign_in_at, upstream_auth_time, began_after_order)
       SELECT :sessionId, account.id, :cookieHash, :now, :amr, :now, :now, least(:idleExpiresAt, :expiresAt),
              :expiresAt, :address, :userAgent, :ownSignInAt, :upstreamAuthTime, ${NEWEST_ORDER}
         FROM ${['account', ...from].join(', ')} RETURNING id
     )`,
  });
}

/** The session that `created` has is on record: CTE `audited`. */
export const RECORD_SIGN_IN = fragment({
  needs: ['created'],
  gives: ['audited'],
  parameters: { ...AUDITED, now: 'timestamptz' },
  text: sql`${recordEvents('sign_in', 'SELECT :auditId AS id, :now AS at, :auditDetails AS details FROM created', ['created'])}`,
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

/** What a statement says of a session that it was to begin within an interaction. */
export function createdWithinOf(
  row: { readonly is_usable: boolean; readonly is_created: boolean } | undefined,
): CreatedWithin {
  if (row?.is_created === true) return 'created';
  return row?.is_usable === true ? 'interaction_has_row' : 'refused';
}
