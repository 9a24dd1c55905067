import { statement, type Queryable } from '../../platform/database/statement.js';

/**
 * Cookies that were set before cookies named their account. They are good until their sessions end: their account costs
 * one round trip, and from there on they are cookies like any other.
 */
const ACCOUNT_OF_COOKIE = statement({
  name: 'sessions_before_routing_cookie',
  parameters: { cookieHash: 'bytea' },
  row: { account_id: 'uuid' },
  text: 'SELECT s.account_id FROM sessions s WHERE s.before_routing AND s.cookie_hash = :cookieHash',
});

/** Undefined: there is no such cookie of before. */
export async function accountOfOldCookie(db: Queryable, cookieHash: Buffer): Promise<string | undefined> {
  const [row] = await db.query(ACCOUNT_OF_COOKIE, { cookieHash });
  return row?.account_id;
}
