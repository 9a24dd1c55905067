import type { ClientMetadata } from '../../platform/oidc/client-metadata.js';
import { matchesHash, sha256 } from '../../platform/oidc/secret.js';
import { provesBySecret, type Client } from './client.js';
import type { ClientEntity } from './entities/client.entity.js';

/** A client as storage has it, the hashes of its secrets included: this shape does not leave the module. */
export type StoredClient = Readonly<ClientEntity>;

/** One that is registered at `now`. Of its secrets only the hashes are kept. */
export function newClient(
  clientId: string,
  metadata: ClientMetadata,
  now: Date,
  secrets: { readonly clientSecret: string | undefined; readonly registrationAccessToken: string | undefined },
): StoredClient {
  return {
    clientId,
    secretHash: secrets.clientSecret === undefined ? null : sha256(secrets.clientSecret),
    registrationTokenHash:
      secrets.registrationAccessToken === undefined ? null : sha256(secrets.registrationAccessToken),
    metadata,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
    disabledAt: null,
    enabledAt: null,
    tokenGeneration: 0,
    scopeSince: null,
    firstUsedAt: null,
    environmentSecretHash: null,
  };
}

/** What others may know of it. */
export function toClient(row: StoredClient): Client {
  return {
    clientId: row.clientId,
    metadata: {
      ...row.metadata,
      // Registered before there were these: it has none, and may not.
      permissions: row.metadata.permissions ?? [],
      headless_logout: row.metadata.headless_logout ?? false,
      // Registered itself before there was the choice: it continues to get strict ID tokens.
      ...(row.registrationTokenHash === null ? {} : { id_token_claims: row.metadata.id_token_claims ?? 'conform' }),
    },
    hasSecret: row.secretHash !== null,
    registeredItself: row.registrationTokenHash !== null,
    tokenGeneration: row.tokenGeneration,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    deletedAt: row.deletedAt,
    disabledAt: row.disabledAt,
  };
}

/** Whether this is the secret that the client proves itself by; undefined and clients without one never match. Constant-time. */
export function provesItself(row: StoredClient | undefined, secret: string): boolean {
  const usable = row !== undefined && provesBySecret(row.metadata);
  return matchesHash(secret, usable ? row.secretHash : null);
}
