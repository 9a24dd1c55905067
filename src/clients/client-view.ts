import { browserOrigins, clientName, type Client } from './client.js';

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

/**
 * Where a form's POST may lead in the end, for `form-action`: wherever this client may receive an answer. Private-use
 * schemes are named as such.
 */
export function redirectSources(client: Client): string[] {
  const { redirect_uris: redirectUris, post_logout_redirect_uris: postLogout } = client.metadata;
  const schemes = [...redirectUris, ...postLogout]
    .filter((uri) => !/^https?:/i.test(uri))
    .map((uri) => new URL(uri).protocol);
  const origins = postLogout.filter((uri) => /^https?:/i.test(uri)).map((uri) => new URL(uri).origin);
  return [...new Set([...browserOrigins(client), ...origins, ...schemes])];
}
