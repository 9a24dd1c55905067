import { limitAlongIndex } from '../../platform/database/sql-text.js';
import { accountAllows } from '../accounts/accounts.sql.js';
import { fragment, sql, type Fragment, type Sql } from '../../platform/database/statement.js';
import { NEWEST_ORDER, sessionOutlivesOrders } from '../../platform/epochs/epochs.sql.js';

/**
 * SQL about `sessions` and `session_clients` that other modules put into their own statements, so that a code exchange
 * or a logout is one round trip while what the columns mean, and every write to them, stays here.
 *
 * `now` and the like are expressions of the surrounding statement (`:now`).
 */

/**
 * The session `s` has not been put on record as over. It may have expired, or an order may have ended it: whether it is
 * alive is {@link sessionIsAlive}'s to say.
 */
export function sessionIsUnterminated(s: string): string {
  return `${s}.terminated_at IS NULL`;
}

/** The session `s` has not expired at `now`, neither by its age nor for want of use. */
export function sessionHasNotExpired(s: string, now: string): string {
  return `${s}.expires_at > ${now} AND ${s}.idle_expires_at > ${now}`;
}

/** The session `s` of the account `a`, whose id is `account`, is alive at `now`. */
export function sessionIsAlive(s: string, a: string, account: string, now: string): string {
  return `${sessionIsUnterminated(s)} AND ${sessionHasNotExpired(s, now)} AND ${accountAllows(a, `${s}.authenticated_at`)} AND ${sessionOutlivesOrders(s, account)}`;
}

/**
 * The session of a cookie as `s`, alive or not. By its key alone, and `OFFSET 0` leaves the planner no other choice: a plan is
 * made when the tables are small, and then every index of live sessions looks as good, and reads them all when there are many.
 */
export function theSessionOfCookie(account: string, cookieHash: string): string {
  return `(SELECT * FROM sessions k WHERE k.account_id = ${account} AND k.cookie_hash = ${cookieHash} OFFSET 0) s`;
}

/**
 * The client in the one row of `from` (account_id, session_id, client_id), which is of the account `:accountId`, takes part in
 * the session from now on: CTE `participant` (account_id, session_id, client_id, sid). The statement has locked the session's
 * row.
 */
export function joinSession(from: string): Fragment {
  return fragment({
    needs: [from],
    gives: ['participant', 'participant_counted'],
    parameters: { accountId: 'uuid', newSid: 'text', now: 'timestamptz' },
    text: `
     participant AS (
       INSERT INTO session_clients (account_id, session_id, client_id, sid, joined_at, began_after_order)
       SELECT account_id, session_id, client_id, :newSid, :now, ${NEWEST_ORDER} FROM ${from} WHERE session_id IS NOT NULL
       -- The sid of a client's session is given once; the empty update only makes RETURNING answer.
       ON CONFLICT (account_id, session_id, client_id) DO UPDATE SET joined_at = session_clients.joined_at
       RETURNING account_id, session_id, client_id, sid
     ),
     participant_counted AS (
       UPDATE sessions s SET client_count = s.client_count + 1
        WHERE s.account_id = :accountId AND s.id = (SELECT p.session_id FROM participant p WHERE p.sid = :newSid)
     )`,
  });
}

/**
 * No client has joined or left the locked session `l` (account_id, id, client_count) since the statement began. A lock that was
 * waited for gives the row as it is now, a plain read the row as the statement's snapshot has it: if the two agree, the
 * snapshot has the participants, too. How many rows there are is not asked, since rows may disappear unnoticed here: a
 * client that is removed takes its own along.
 *
 * @param account of all locked sessions, where the statement knows it
 */
export function sessionAsSeen(l: string, account?: string): string {
  // Each by its key: a join may be planned that reads all sessions of the person.
  return `EXISTS (SELECT 1 FROM (
      SELECT k.client_count FROM sessions k
       WHERE k.account_id = ${account ?? `${l}.account_id`} AND k.id = ${l}.id OFFSET 0) seen
     WHERE seen.client_count = ${l}.client_count)`;
}

/** The session `s` began by way of another provider; `condition` is about its link `u` (issuer, sub, sid). */
export function beganUpstream(s: string, issuer: string, condition: string): string {
  return `(${s}.account_id, ${s}.id) IN (SELECT u.account_id, u.session_id FROM session_upstreams u WHERE u.issuer = ${issuer} AND ${condition})`;
}

/**
 * The sessions in `ending` (account_id, id, termination_id) are over: CTE `ended` (id).
 *
 * @param ofAccount what is known of the session `s` beforehand ({@link isOfAccount})
 */
export function terminateSessions(ofAccount: string): Fragment {
  return fragment({
    needs: ['ending'],
    gives: ['ended'],
    parameters: { now: 'timestamptz' },
    text: `
     ended AS (
       UPDATE sessions s SET terminated_at = :now, termination_id = x.termination_id FROM ending x
        WHERE ${ofAccount} AND s.account_id = x.account_id AND s.id = x.id RETURNING s.id
     )`,
  });
}

/**
 * The row `row` of one of a person's tables is of this account, where the statement knows whose it is: so that it is looked
 * for in one partition, whatever it is joined with (docs/decisions/0053-keys-that-begin-with-the-person.md).
 */
export function isOfAccount(row: string, account: string | undefined): string {
  return account === undefined ? 'true' : `${row}.account_id = ${account}`;
}

/**
 * The clients in `from` (account_id, session_id, client_id) take part no longer: CTE `departed` (account_id, session_id), one row for each. Their
 * `sid` is gone with them, so that a client that comes back is not taken for the one that was signed out. The statement
 * has locked the sessions' rows.
 *
 * @param only `condition`: nothing happens unless it holds, about the CTEs in `needs`; `account` of all sessions, where the
 *   statement knows it
 */
export function leaveSessions(
  from: string,
  only: { readonly condition?: string; readonly needs?: readonly string[]; readonly account?: string | undefined } = {},
): Fragment {
  const { condition = 'true', needs = [], account } = only;
  return fragment({
    needs: [from, ...needs],
    gives: ['departed', 'departed_counted'],
    text: `
     departed AS (
       DELETE FROM session_clients sc USING ${from} x
        WHERE ${isOfAccount('sc', account)} AND sc.account_id = x.account_id AND sc.session_id = x.session_id AND sc.client_id = x.client_id
          AND ${condition}
       RETURNING sc.account_id, sc.session_id
     ),
     departed_counted AS (
       UPDATE sessions s SET client_count = s.client_count - d.clients
         FROM (SELECT account_id, session_id, count(*)::int AS clients FROM departed GROUP BY account_id, session_id) d
        WHERE ${isOfAccount('s', account)} AND s.account_id = d.account_id AND s.id = d.session_id
     )`,
  });
}

/**
 * The text of a statement that takes the clients in the relation `clients` (client_id) out of sessions, at most `limit`; one
 * row `removed` for each. Sessions that another transaction holds are skipped.
 */
export function removeParticipants(clients: string, limit: number): Sql {
  return sql`
    WITH due AS MATERIALIZED (
      SELECT d.account_id, d.session_id, d.client_id FROM ${clients} o
       CROSS JOIN LATERAL (
         SELECT sc.account_id, sc.session_id, sc.client_id
           FROM session_clients sc JOIN sessions s ON s.account_id = sc.account_id AND s.id = sc.session_id
          WHERE sc.client_id = o.client_id LIMIT ${limit} FOR NO KEY UPDATE OF s SKIP LOCKED
       ) d LIMIT ${limit}
    ),
    ${leaveSessions('due')}
    SELECT 1 AS removed FROM departed`;
}

/** The client `clientId` takes part in sessions, ended ones among them. */
export function clientHasParticipants(clientId: string): string {
  return `EXISTS (SELECT 1 FROM session_clients sc WHERE sc.client_id = ${clientId})`;
}

/** For the participants `sc` of `condition` the logout order `number` has done its part. */
export function participantsBeganAfter(condition: string, number: string): Fragment {
  return fragment({
    gives: ['dealt_with'],
    text: `
     dealt_with AS (
       UPDATE session_clients sc SET began_after_order = ${number} WHERE ${condition}
     )`,
  });
}

/** The client's participations, ended ones among them: a relation (account_id, session_id), by its index and in its order. */
export function participationsOf(clientId: string, limit: string): string {
  return `(SELECT sc.account_id, sc.session_id FROM session_clients sc WHERE sc.client_id = ${clientId} ORDER BY sc.session_id ${limitAlongIndex(limit)})`;
}

/** How many participations there are in the account's first `limit` live sessions, at least one for each: an expression. */
export function liveParticipationsOfAccount(accountId: string, limit: string): string {
  return `(SELECT coalesce(sum(greatest(l.client_count, 1)), 0) FROM (
      SELECT s.client_count FROM sessions s WHERE s.account_id = ${accountId} AND ${sessionIsUnterminated('s')}
       ORDER BY s.account_id, s.id ${limitAlongIndex(limit)}) l)`;
}

/** As {@link participationsOf}, of sessions that began by an upstream. */
export function sessionsBegunBy(upstreamId: string, limit: string): string {
  return `(SELECT u.account_id, u.session_id FROM session_upstreams u WHERE u.upstream_id = ${upstreamId} ORDER BY u.account_id, u.session_id ${limitAlongIndex(limit)})`;
}
