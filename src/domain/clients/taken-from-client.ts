import { parseScope } from '../../platform/oidc/claims.js';
import type { ClientMetadata } from '../../platform/oidc/client-metadata.js';
import { mayActOffline } from './offline-access.js';
import type { KeptProof } from './proofs/client-proof.js';

/** What a change of a client's metadata takes from what the client has already. */
export interface TakenFromClient {
  /** It could be permitted to act without the person, and cannot any more. */
  readonly offlineAccess: boolean;
  /** It could be allowed something by people, and cannot any more. */
  readonly people: boolean;
  /** Something that tokens of its own rest on: those from before are dead. */
  readonly ownTokens: boolean;
}

/**
 * Compares what was registered with what is.
 * @param keptProof how much of what proved the client does so afterwards; what is added takes nothing away
 */
export function takenFromClient(before: ClientMetadata, after: ClientMetadata, keptProof: KeptProof): TakenFromClient {
  const scope = missing(parseScope(before.scope), parseScope(after.scope));
  return {
    offlineAccess: mayActOffline(before) && !mayActOffline(after),
    people: mayServePeople(before) && !mayServePeople(after),
    ownTokens:
      scope.length > 0 ||
      missing(before.audience, after.audience).length > 0 ||
      (before.grant_types.includes('client_credentials') && !after.grant_types.includes('client_credentials')) ||
      keptProof !== 'all',
  };
}

/** As `clientMayServePeople` asks it of storage. Rows from before there were permissions have none. */
function mayServePeople(metadata: ClientMetadata): boolean {
  const { permissions = [] } = metadata as Partial<ClientMetadata>;
  return metadata.grant_types.includes('authorization_code') || permissions.length > 0;
}

/**
 * In which generation the client got each of its scopes that it had not had just before: grants from earlier ones do not get
 * them. Also one that it never had is named; no grant has that.
 *
 * @param generation the client's after the change. One that loses a scope has a new one, so that what it was granted with the
 *   scope is older than the scope's return.
 */
export function scopesSince(
  before: { readonly metadata: ClientMetadata; readonly scopeSince: Readonly<Record<string, number>> | null },
  after: ClientMetadata,
  generation: number,
): Readonly<Record<string, number>> | null {
  const had = parseScope(before.metadata.scope);
  const since = new Map(Object.entries(before.scopeSince ?? {}));
  const entries = parseScope(after.scope)
    .map((scope) => [scope, had.includes(scope) ? since.get(scope) : generation] as const)
    .filter((entry): entry is readonly [string, number] => entry[1] !== undefined);
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

function missing(before: readonly string[], after: readonly string[]): string[] {
  return before.filter((value) => !after.includes(value));
}
