import { limitAlongIndex } from '../../platform/database/sql-text.js';
import { accountAllows } from '../accounts/accounts.sql.js';
import { fragment, type Fragment } from '../../platform/database/statement.js';
import { clientMayServePeople } from '../clients/clients.sql.js';
import { grantOutlivesOrders } from '../../platform/epochs/epochs.sql.js';
import { sessionIsAlive } from '../sessions/sessions.sql.js';
import { grantIsServed } from '../upstreams/upstreams.sql.js';

/**
 * SQL about `grants` that other modules put into their own statements. What "alive" means for a grant is written once,
 * here, and used by refresh, introspection and userinfo alike (docs/architecture.md#revoked-means-revoked).
 *
 * Joins look one row up by its key alone, and `OFFSET 0` leaves the planner no other choice: a plan is made when the tables
 * and their partial indexes are empty, and kept when they are not. `account` is the account's id, an expression.
 */

/**
 * The grant `g` of account `a` has not ended at `now`: not revoked and not ended by an order, its account may be used, and,
 * without `offline_access`, its session is alive.
 */
export function grantHasNotEnded(g: string, a: string, account: string, now: string): string {
  return `${g}.revoked_at IS NULL AND ${accountAllows(a, `${g}.created_at`)} AND ${grantOutlivesOrders(g)}
         AND (${g}.offline OR EXISTS (SELECT 1 FROM ${theSession(account, `${g}.session_id`)} WHERE ${sessionIsAlive('s', a, account, now)}))`;
}

/**
 * As {@link grantHasNotEnded}, and the client `c` may have something from people, and the provider that vouched for the
 * person may do so for this client: only then is anything given for it. What an upstream may not do now it may be
 * allowed again, so what takes back asks for the former.
 */
export function grantIsAlive(g: string, a: string, c: string, account: string, now: string): string {
  return `${grantHasNotEnded(g, a, account, now)} AND ${clientMayServePeople(c)} AND ${grantIsServed(g)}`;
}

/** The client `id` as `c`. */
export function theClient(id: string): string {
  return `LATERAL (SELECT * FROM clients k WHERE k.client_id = ${id} OFFSET 0) c`;
}

/** The account `id` as `a`. */
export function theAccount(id: string): string {
  return `LATERAL (SELECT * FROM accounts k WHERE k.id = ${id} OFFSET 0) a`;
}

/** The session `id` as `s`. */
export function theSession(account: string, id: string): string {
  return `(SELECT * FROM sessions k WHERE k.account_id = ${account} AND k.id = ${id} OFFSET 0) s`;
}

/** The joins that {@link grantIsAlive} needs, from a grant `g`. */
export function grantJoins(account: string): string {
  return `CROSS JOIN ${theClient('g.client_id')} CROSS JOIN ${theAccount(account)}`;
}

/** The `sid` by which the client of the grant `g` knows its session; null where it takes part in none. */
export function sidOf(g: string, account: string): string {
  return `(SELECT k.sid FROM session_clients k
    WHERE k.account_id = ${account} AND k.session_id = ${g}.session_id AND k.client_id = ${g}.client_id)`;
}

/**
 * The access token with this `jti` was revoked by itself.
 * @param account the nil uuid for a client's own
 */
export function accessTokenIsDenied(account: string, jti: string): string {
  return `EXISTS (SELECT 1 FROM revoked_access_tokens x WHERE x.account_id = ${account} AND x.jti = ${jti})`;
}

/**
 * Every grant `g` that `condition` names is revoked, unless it was before: CTE `revoked` (account_id, id, session_id,
 * client_id). Its tokens are dead with it.
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
        WHERE g.revoked_at IS NULL AND (${condition}) RETURNING g.account_id, g.id, g.session_id, g.client_id
     )`,
  });
}

/** The client `clientId` has grants, revoked ones among them. */
export function clientHasGrants(clientId: string): string {
  return `EXISTS (SELECT 1 FROM grants g WHERE g.client_id = ${clientId})`;
}

/** The client's grants, revoked ones among them: a relation of rows, by its index and in its order. */
export function grantsOfClient(clientId: string, limit: string): string {
  return `(SELECT g.* FROM grants g WHERE g.client_id = ${clientId} ORDER BY g.account_id, g.id ${limitAlongIndex(limit)})`;
}

/** As {@link grantsOfClient}, of a person's grants. */
export function grantsOfAccount(accountId: string, limit: string): string {
  return `(SELECT g.* FROM grants g WHERE g.account_id = ${accountId} ORDER BY g.account_id, g.id ${limitAlongIndex(limit)})`;
}

/** As {@link grantsOfClient}, of grants that rest on an upstream's word. */
export function grantsOfUpstream(upstreamId: string, limit: string): string {
  return `(SELECT g.* FROM grants g WHERE g.upstream_id = ${upstreamId} ORDER BY g.account_id, g.id ${limitAlongIndex(limit)})`;
}
