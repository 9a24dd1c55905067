import { parseScope } from '../../platform/oidc/claims.js';
import type { ClientMetadata } from '../../platform/oidc/client-metadata.js';

/** Offline access outlives the session, so it needs a client that can refresh (OpenID Connect Core 1.0 §11). */
export function mayActOffline(metadata: Pick<ClientMetadata, 'scope' | 'grant_types'>): boolean {
  return parseScope(metadata.scope).includes('offline_access') && metadata.grant_types.includes('refresh_token');
}
