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
  /** Scopes that it was registered for. */
  readonly scope: readonly string[];
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
    scope,
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

function missing(before: readonly string[], after: readonly string[]): string[] {
  return before.filter((value) => !after.includes(value));
}
