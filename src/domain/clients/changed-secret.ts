import type { ClientMetadata } from '../../platform/oidc/client-metadata.js';
import { InvalidClientMetadataError } from '../../platform/oidc/errors.js';
import { matchesHash, newSecret, sha256 } from '../../platform/oidc/secret.js';
import { provesBySecret } from './client.js';
import type { StoredClient } from './stored-client.js';

/** What becomes of a client's secret. */
export interface ChangedSecret {
  readonly hash: Buffer | null;
  /** One that it gets now, to be shown once. */
  readonly shown: string | undefined;
  /** Whether it had another one before. */
  readonly replaced: boolean;
}

/**
 * The secret of a client whose metadata change. One that proves itself in another way keeps none: a secret that came
 * back with the method would be one that was taken away. One that needs a secret and has none gets one.
 * @throws InvalidClientMetadataError for a secret that is of no use
 */
export function secretAfter(row: StoredClient, metadata: ClientMetadata, given: string | undefined): ChangedSecret {
  refuseUselessSecret(metadata, given);
  if (!provesBySecret(metadata)) return { hash: null, shown: undefined, replaced: false };
  const unchanged = given === undefined || matchesHash(given, row.secretHash);
  if (row.secretHash !== null && unchanged) return { hash: row.secretHash, shown: undefined, replaced: false };
  const shown = given ?? newSecret();
  return { hash: sha256(shown), shown, replaced: row.secretHash !== null };
}

/** @throws InvalidClientMetadataError for a secret given to a client that proves itself in another way */
export function refuseUselessSecret(metadata: ClientMetadata, given: string | undefined): void {
  if (given === undefined || provesBySecret(metadata)) return;
  throw new InvalidClientMetadataError(
    `client_secret is of no use to a client that authenticates by ${metadata.token_endpoint_auth_method}.`,
  );
}
