import { clientName, type Client } from './client.js';

/** What pages say about an application. */
export function clientView(client: Client): {
  readonly name: string;
  readonly logoUri?: string;
  readonly clientUri?: string;
  readonly policyUri?: string;
  readonly tosUri?: string;
} {
  const { logo_uri: logoUri, client_uri: clientUri, policy_uri: policyUri, tos_uri: tosUri } = client.metadata;
  return {
    name: clientName(client),
    ...(logoUri === undefined ? {} : { logoUri }),
    ...(clientUri === undefined ? {} : { clientUri }),
    ...(policyUri === undefined ? {} : { policyUri }),
    ...(tosUri === undefined ? {} : { tosUri }),
  };
}

/** Where the client's logo comes from, for `img-src`. */
export function logoOrigins(client: Client): string[] {
  return client.metadata.logo_uri === undefined ? [] : [new URL(client.metadata.logo_uri).origin];
}
