import { ADMIN_SCOPE } from '../../platform/oidc/claims.js';
import type { ClientMetadata } from '../../platform/oidc/client-metadata.js';

/** A registered relying party. Its secret's hash never leaves the module. */
export interface Client {
  readonly clientId: string;
  readonly metadata: ClientMetadata;
  readonly hasSecret: boolean;
  /** Not by an administrator of this service: what it says of itself is its own word. */
  readonly registeredItself: boolean;
  /** Goes into tokens of its own, which die when something that they rest on is taken from it. */
  readonly tokenGeneration: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt: Date | null;
  /** No person can sign in with it and it gets no token; it is still notified of logouts. */
  readonly disabledAt: Date | null;
}

/** A client as a request describes it, not checked yet: metadata, and what stands beside them. */
export type ClientDocument = Readonly<Record<string, unknown>>;

/** What is shown once: the client and the secrets of which only hashes are kept. */
export interface RegisteredClient {
  readonly client: Client;
  readonly clientSecret: string | undefined;
  readonly registrationAccessToken: string | undefined;
}

/** Scopes of this client, as a list. */
export function registeredScope(client: Client): string[] {
  return client.metadata.scope.split(' ').filter((scope) => scope !== '');
}

/** Values of `token_endpoint_auth_method` for a client that is given a secret (RFC 6749 §2.3.1). */
export const SECRET_METHODS: readonly string[] = ['client_secret_basic', 'client_secret_post'];

/** Whether the client has a secret by which it proves who it is. Whether a secret counts, `ClientAuthenticator` decides. */
export function provesBySecret(metadata: Pick<ClientMetadata, 'token_endpoint_auth_method'>): boolean {
  return SECRET_METHODS.includes(metadata.token_endpoint_auth_method);
}

/**
 * Whether this is a client for administrators: the scope, and a grant that needs no person, as an access token for the
 * admin API needs them.
 */
export function isAdministrator(client: Client): boolean {
  return registeredScope(client).includes(ADMIN_SCOPE) && client.metadata.grant_types.includes('client_credentials');
}

/** A client that cannot keep a secret (RFC 6749 §2.1). */
export function isPublicClient(client: Client): boolean {
  return client.metadata.token_endpoint_auth_method === 'none';
}

/** Registered itself, and no administrator has vouched for it since by sparing people the question. */
export function isUnverified(client: Client): boolean {
  return client.registeredItself && !client.metadata.skip_consent;
}

/** What people call it. */
export function clientName(client: Client): string {
  return client.metadata.client_name ?? client.clientId;
}

/** Origins from which this client's browser code may call us (CORS). */
export function browserOrigins(client: Client): string[] {
  return [
    ...new Set(client.metadata.redirect_uris.filter((uri) => /^https?:/i.test(uri)).map((uri) => new URL(uri).origin)),
  ];
}
