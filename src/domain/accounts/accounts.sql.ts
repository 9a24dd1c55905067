import { typed } from '../../platform/database/statement.js';

/**
 * SQL about `accounts` that other modules put into their own statements, so that a hot path needs one round trip while
 * what the columns mean stays here.
 */

/** A statement that locks the account for this transaction: others wait for it. */
export function lockAccount(id: string): string {
  return `SELECT a.id FROM accounts a WHERE a.id = ${id} FOR NO KEY UPDATE OF a`;
}

/** What pages call the person of the account by, as {@link ACCOUNT_NAMES_COLUMNS}. */
export function accountNames(account: string): string {
  return `${account}.login, ${account}.claims`;
}

export const ACCOUNT_NAMES_COLUMNS = {
  login: 'text',
  claims: typed<Readonly<Record<string, unknown>>>('jsonb'),
} as const;

/** The account may be used. */
export function accountIsEnabled(account: string): string {
  return `${account}.disabled_at IS NULL`;
}

/** The password of the account is still the one that was set at `changedAt`; null: it has none. */
export function accountHasPasswordOf(account: string, changedAt: string): string {
  return `${account}.password_changed_at IS NOT DISTINCT FROM ${changedAt}`;
}

/**
 * Every claim about the person of an account (OpenID Connect Core 1.0 §5.1): what is stored, `updated_at`, and the login
 * as `preferred_username` where no other was set. What a token may tell of them is `personClaims`' to say.
 */
export function accountClaims(account: string): string {
  return `(${account}.claims || jsonb_build_object(
    'preferred_username', coalesce(nullif(${account}.claims ->> 'preferred_username', ''), ${account}.login),
    'updated_at', floor(extract(epoch FROM ${account}.claims_updated_at))::bigint))`;
}

/** The account may be used, and what began at `since` is not older than its `not_before`. */
export function accountAllows(account: string, since: string): string {
  return `${accountIsEnabled(account)} AND (${account}.not_before IS NULL OR ${since} >= ${account}.not_before)`;
}

/** Of the accounts that `ids` selects, `flag` is true no more where `condition` about the account `a` holds. */
export function withdrawVerification(
  flag: 'email_verified' | 'phone_number_verified',
  ids: string,
  condition: string,
  now: string,
): string {
  return `UPDATE accounts a SET claims = a.claims || jsonb_build_object('${flag}', false), claims_updated_at = ${now}, updated_at = ${now}
    WHERE a.claims -> '${flag}' = 'true'::jsonb AND a.id IN (${ids}) AND ${condition}`;
}
