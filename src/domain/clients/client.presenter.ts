import type { Client, RegisteredClient } from './client.js';

/** The client information response (RFC 7591 §3.2.1), as the wire spells it. */
export type ClientInformation = Readonly<Record<string, unknown>> & { readonly client_id: string };

export function clientInformation(client: Client): ClientInformation {
  return {
    client_id: client.clientId,
    client_id_issued_at: Math.floor(client.createdAt.getTime() / 1000),
    ...client.metadata,
    ...(client.disabledAt === null ? {} : { disabled_at: client.disabledAt.toISOString() }),
  };
}

/** With the secret that was just made, if one was. `client_secret_expires_at` 0: never. */
export function registeredClientInformation(registered: RegisteredClient): ClientInformation {
  const { client, clientSecret } = registered;
  return {
    ...clientInformation(client),
    ...(clientSecret === undefined ? {} : { client_secret: clientSecret, client_secret_expires_at: 0 }),
  };
}
