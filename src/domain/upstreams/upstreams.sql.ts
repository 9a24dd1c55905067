/**
 * SQL about `upstreams` that other modules put into their own statements: which people an upstream may vouch for is
 * asked of storage each time that it matters, so that a change of `clients` reaches what is running. Imports nothing,
 * so that modules below may use it.
 *
 * `clientId` and `account`, that of the session, are expressions of the surrounding statement. Where `clientId` is null the
 * question is about every client.
 */

/**
 * The upstream `u` may vouch for people who go to this client. Also while it is disabled: no new sign-in comes by it
 * then, and sessions that did continue (a logout order ends their sessions where that is wanted).
 */
export function upstreamServes(u: string, clientId: string): string {
  return `(coalesce(jsonb_typeof(${u}.configuration -> 'clients'), 'null') = 'null' OR ${u}.configuration -> 'clients' ? ${clientId})`;
}

/**
 * One of the sign-ins in the session `s` counts for this client: our own, or one by an upstream that serves it. With
 * `OFFSET 0` it is looked up for the session, and no plan reads the links of other sessions to compare them.
 */
export function sessionServes(s: string, account: string, clientId: string): string {
  return `(${s}.own_sign_in_at IS NOT NULL OR EXISTS (
    SELECT 1 FROM session_upstreams way JOIN upstreams vouching ON vouching.id = way.upstream_id
     WHERE way.account_id = ${account} AND way.session_id = ${s}.id AND ${upstreamServes('vouching', clientId)}
    OFFSET 0))`;
}

/** The upstream whose word a new grant rests on: the last sign-in that counts for the client. Null: our own. */
export function upstreamVouchingFor(s: string, account: string, clientId: string): string {
  return `(SELECT way.upstream_id FROM session_upstreams way JOIN upstreams vouching ON vouching.id = way.upstream_id
     WHERE way.account_id = ${account} AND way.session_id = ${s}.id AND ${upstreamServes('vouching', clientId)}
       AND (${s}.own_sign_in_at IS NULL OR way.authenticated_at >= ${s}.own_sign_in_at)
     ORDER BY way.authenticated_at DESC LIMIT 1)`;
}

/** What the grant `g` rests on still counts for its client. */
export function grantIsServed(g: string): string {
  return `(${g}.upstream_id IS NULL OR EXISTS (
    SELECT 1 FROM upstreams vouching WHERE vouching.id = ${g}.upstream_id AND ${upstreamServes('vouching', `${g}.client_id`)}))`;
}
