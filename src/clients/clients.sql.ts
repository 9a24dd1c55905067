/**
 * SQL about `clients` that other modules put into their own statements, so that storage answers where the cache of
 * clients may be seconds behind, and what the columns mean stays here.
 */

/** The client `c` may be granted something now; with `offline` (a boolean expression), also for when nobody is there. */
export function clientMayBeGranted(c: string, offline: string): string {
  return `${c}.deleted_at IS NULL AND ${c}.disabled_at IS NULL AND (NOT ${offline} OR (
    'offline_access' = ANY (string_to_array(${c}.metadata ->> 'scope', ' ')) AND ${c}.metadata -> 'grant_types' ? 'refresh_token'))`;
}

/** A token of the client's own, issued at `issuedAt`, hangs on nothing but the client `c`, which may use it. */
export function clientVouchesFor(c: string, issuedAt: string): string {
  return `${c}.deleted_at IS NULL AND ${c}.disabled_at IS NULL AND (${c}.enabled_at IS NULL OR ${issuedAt} >= ${c}.enabled_at)`;
}

/** The client `c` is owed a notice of what ended by `cause`. A disabled one is: its people are signed out there too. */
export function clientHearsOf(c: string, cause: string): string {
  return `${c}.deleted_at IS NULL AND ${c}.metadata ->> 'backchannel_logout_uri' IS NOT NULL
    AND (${c}.metadata -> 'backchannel_logout_causes' IS NULL OR ${c}.metadata -> 'backchannel_logout_causes' ? ${cause})`;
}

/** How long a deleted client stays: for the records that name it, and for those who ask for it by a link. */
export const DELETED_CLIENT_KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/** `clientId` is one of those that were deleted before `before` and go now. An array, so that an index is used for the few. */
export function clientIsToBeRemoved(clientId: string, before: string): string {
  return `${clientId} = ANY (ARRAY(SELECT c.client_id FROM clients c WHERE c.deleted_at < ${before}))`;
}
