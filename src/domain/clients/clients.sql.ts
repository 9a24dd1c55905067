import { DAY } from '../../platform/clock/durations.js';
import { deletionIsBeingTold } from '../../platform/epochs/epochs.sql.js';
import { ADMIN_SCOPE, SERVER_SCOPE_PREFIX } from '../../platform/oidc/claims.js';

/**
 * SQL about `clients` that other modules put into their own statements, so that storage answers where the cache of
 * clients may be seconds behind, and what the columns mean stays here. What is taken from a client is taken from all
 * that it has, because every statement that mints or checks a token asks these.
 */

function hasGrantType(c: string, type: string): string {
  return `${c}.metadata -> 'grant_types' ? '${type}'`;
}

/** Facilitators sign people in, and refresh, by their permissions (`permissions`); rows from before these have none. */
function isFacilitator(c: string): string {
  return `coalesce(${c}.metadata -> 'permissions', '[]') <> '[]'`;
}

function isEnabled(c: string): string {
  return `${c}.deleted_at IS NULL AND ${c}.disabled_at IS NULL`;
}

/** The client `c` may have something from people: it is enabled, and has a way to ask them. */
export function clientMayServePeople(c: string): string {
  return `${isEnabled(c)} AND (${hasGrantType(c, 'authorization_code')} OR ${isFacilitator(c)})`;
}

/** The client `c` may use the refresh tokens that it has. */
export function clientMayRefresh(c: string): string {
  return `(${hasGrantType(c, 'refresh_token')} OR ${isFacilitator(c)})`;
}

/**
 * The client `c` may be granted something now; with `offline` (a boolean expression), also for access without the
 * person.
 */
export function clientMayBeGranted(c: string, offline: string): string {
  return `${clientMayServePeople(c)} AND (NOT ${offline} OR (
    'offline_access' = ANY (string_to_array(${c}.metadata ->> 'scope', ' ')) AND ${hasGrantType(c, 'refresh_token')}))`;
}

/**
 * Of the scopes in `scope` (text) those that count for a person's grant to the client `c`: the ones that it is
 * registered for today, and never a scope of this server (`isServerScope`). One that it lost and got back does not come back
 * to a grant from before: so nothing has to be taken from its grants, however many there are.
 *
 * @param generation of the client when the grant was made; undefined: it is being made
 */
export function scopeGrantedTo(c: string, scope: string, generation?: string): string {
  const since = `AND coalesce((${c}.scope_since ->> w.value)::int, 0) <= ${generation}`;
  return `(SELECT coalesce(string_agg(w.value, ' ' ORDER BY w.place), '')
      FROM unnest(string_to_array(${scope}, ' ')) WITH ORDINALITY w (value, place)
     WHERE w.value = ANY (string_to_array(${c}.metadata ->> 'scope', ' ')) AND NOT starts_with(w.value, '${SERVER_SCOPE_PREFIX}')
       ${generation === undefined ? '' : since})`;
}

/** Answers may go to `uri`, a URI that was registered at the time of the request; null for what goes nowhere. */
export function clientHasRedirectUri(c: string, uri: string): string {
  return `(${uri} IS NULL OR ${c}.metadata -> 'redirect_uris' ? ${uri})`;
}

/**
 * A token of the client's own, issued at `issuedAt` in the client's `generation`, hangs on nothing but the client `c`,
 * which may use it and has lost nothing since that it rests on.
 */
export function clientVouchesFor(c: string, issuedAt: string, generation: string): string {
  return `${isEnabled(c)} AND (${c}.enabled_at IS NULL OR ${issuedAt} >= ${c}.enabled_at)
    AND ${hasGrantType(c, 'client_credentials')} AND ${generation} = ${c}.token_generation`;
}

/** The client `c` has registered an endpoint for notifications (Back-Channel Logout 1.0 §2.2). */
export function clientHasBackChannel(c: string): string {
  return `${c}.metadata ->> 'backchannel_logout_uri' IS NOT NULL`;
}

/** The client `c` has registered a page for a frame in the browser (Front-Channel Logout 1.0 §2). */
export function clientHasFrontChannel(c: string): string {
  return `${c}.metadata ->> 'frontchannel_logout_uri' IS NOT NULL`;
}

/** The client `c` wants to be notified of what ended by `cause`. A disabled one is: its people are signed out there too. */
function clientHearsOf(c: string, cause: string): string {
  return `${clientHasBackChannel(c)}
    AND (${c}.metadata -> 'backchannel_logout_causes' IS NULL OR ${c}.metadata -> 'backchannel_logout_causes' ? ${cause})`;
}

/** How long a deleted client stays: for the records that name it, and for those who ask for it by a link. */
export const DELETED_CLIENT_KEPT_MS = 30 * DAY;

/** Those that were deleted before `before` and go now: a relation (client_id), the oldest first, so many at a time. */
export function clientsToBeRemoved(before: string): string {
  return `(SELECT r.client_id FROM clients r WHERE r.deleted_at < ${before} ORDER BY r.deleted_at LIMIT 100)`;
}

/** The text of a statement that removes those of {@link clientsToBeRemoved} of which `nothingLeft` holds, a row for each. */
export function removeClients(before: string, nothingLeft: (clientId: string) => string): string {
  return `
    WITH due AS (
      SELECT c.client_id FROM ${clientsToBeRemoved(before)} o JOIN clients c ON c.client_id = o.client_id
       WHERE ${nothingLeft('c.client_id')} FOR UPDATE OF c SKIP LOCKED
    )
    DELETE FROM clients WHERE client_id IN (SELECT client_id FROM due) RETURNING 1 AS removed`;
}

/**
 * The client `c` can use the admin API of `issuer`: it can prove itself, get a token of its own with the scope for it, and
 * that token is meant for us.
 */
export function clientMayAdminister(c: string, issuer: string): string {
  return `${isEnabled(c)} AND '${ADMIN_SCOPE}' = ANY (string_to_array(${c}.metadata ->> 'scope', ' '))
    AND ${hasGrantType(c, 'client_credentials')}
    AND (coalesce(${c}.metadata -> 'audience', '[]') = '[]' OR ${c}.metadata -> 'audience' ? ${issuer})
    AND CASE ${c}.metadata ->> 'token_endpoint_auth_method'
          WHEN 'private_key_jwt' THEN ${c}.metadata ? 'jwks_uri' OR ${c}.metadata -> 'jwks' -> 'keys' <> '[]'
          WHEN 'none' THEN false
          ELSE ${c}.secret_hash IS NOT NULL END`;
}

/**
 * How the client `c`, which takes part in what ends by `cause`, learns of it: `back_channel` (by a notice),
 * `front_channel` (a frame in the person's browser asks it), or a reason why it cannot be notified. The one rule for
 * the logout, its preview and the dialog, so that each application is exactly one of these everywhere. One with both
 * channels counts as notified. One that was deleted is notified for as long as an order has not come to all of the sessions
 * that it took part in.
 *
 * @param browser boolean expression: one of our pages that loads its frame is going to be shown in this session's
 *   browser
 * @param sender boolean expression: it ordered this logout, and needs no notice
 */
export function howClientIsNotified(c: string, cause: string, browser: string, sender = 'false'): string {
  return `CASE WHEN ${c}.deleted_at IS NOT NULL AND NOT ${deletionIsBeingTold(`${c}.client_id`)} THEN 'client_deleted'
    WHEN coalesce(${sender}, false) THEN 'is_the_sender'
    WHEN ${clientHearsOf(c, cause)} THEN 'back_channel'
    WHEN ${clientHasFrontChannel(c)} AND coalesce(${browser}, false) THEN 'front_channel'
    WHEN ${clientHasBackChannel(c)} THEN 'cause_not_wanted'
    WHEN ${clientHasFrontChannel(c)} THEN 'browser_absent'
    ELSE 'no_backchannel_uri' END`;
}
