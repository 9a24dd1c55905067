import type { ClientMetadata } from '../oidc/client-metadata.js';

/** A registered relying party. Its secret's hash never leaves the module. */
export interface Client {
  readonly clientId: string;
  readonly metadata: ClientMetadata;
  readonly hasSecret: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt: Date | null;
  /** Nobody signs in with it and it gets no token; it still hears of logouts. */
  readonly disabledAt: Date | null;
}

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

/** A client that cannot keep a secret (RFC 6749 §2.1). */
export function isPublicClient(client: Client): boolean {
  return client.metadata.token_endpoint_auth_method === 'none';
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
