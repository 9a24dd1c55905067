import { accountAllows } from '../accounts/accounts.sql.js';
import { fragment, type Fragment } from '../../platform/database/statement.js';
import { clientMayServePeople } from '../clients/clients.sql.js';
import { grantOutlivesOrders } from '../../platform/epochs/epochs.sql.js';
import { sessionIsAlive } from '../sessions/sessions.sql.js';
import { grantIsServed } from '../upstreams/upstreams.sql.js';

/**
 * SQL about `grants` that other modules put into their own statements. What "alive" means for a grant is written once,
 * here, and used by refresh, introspection and userinfo alike (docs/architecture.md#revoked-means-revoked).
 */

/**
 * The grant `g` of account `a`, made in session `s` (outer joined), has not ended at `now`: not revoked and not ended
 * by an order, its account may be used, and, without `offline_access`, its session is alive.
 */
export function grantHasNotEnded(g: string, s: string, a: string, now: string): string {
  return `${g}.revoked_at IS NULL AND ${accountAllows(a, `${g}.created_at`)} AND ${grantOutlivesOrders(g)} AND (${g}.offline OR (${sessionIsAlive(s, a, now)}))`;
}

/**
 * As {@link grantHasNotEnded}, and the client `c` may have something from people, and the provider that vouched for the
 * person may do so for this client: only then is anything given for it. What an upstream may not do now it may be
 * allowed again, so what takes back asks for the former.
 */
export function grantIsAlive(g: string, s: string, a: string, c: string, now: string): string {
  return `${grantHasNotEnded(g, s, a, now)} AND ${clientMayServePeople(c)} AND ${grantIsServed(g)}`;
}

/** The joins that {@link grantIsAlive} needs, from a grant `g`. */
export const GRANT_JOINS = `JOIN clients c ON c.client_id = g.client_id JOIN accounts a ON a.id = g.account_id LEFT JOIN sessions s ON s.id = g.session_id`;

/** The `sid` by which the client of the grant `g` knows its session: `sc.sid`, null where it takes part in none. */
export const SID_JOIN = `LEFT JOIN session_clients sc ON sc.session_id = g.session_id AND sc.client_id = g.client_id`;

/** The access token with this `jti` was revoked by itself. */
export function accessTokenIsDenied(jti: string): string {
  return `EXISTS (SELECT 1 FROM revoked_access_tokens x WHERE x.jti = ${jti})`;
}

/**
 * Every grant `g` that `condition` names is revoked, unless it was before: CTE `revoked` (id, session_id). Its tokens are
 * dead with it.
 *
 * @param cause why, as an expression
 * @param needs the CTEs that `condition` and `cause` ask
 */
export function revokeGrants(condition: string, cause: string, needs: readonly string[] = []): Fragment {
  return fragment({
    needs,
    gives: ['revoked'],
    parameters: { now: 'timestamptz' },
    text: `
     revoked AS (
       UPDATE grants g SET revoked_at = :now, revoked_cause = ${cause}
        WHERE g.revoked_at IS NULL AND (${condition}) RETURNING g.id, g.session_id
     )`,
  });
}
