import { appendQuery } from '../oidc/redirect-uri.js';
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

/**
 * A link to the application, for somebody who was on the way to it: where it begins a sign-in of its own (OpenID Connect
 * Core 1.0 §4), else its home, else the site that it is called back at. Undefined for what is only on somebody's device.
 */
export function wayToApplication(
  client: Client,
  issuer: string,
): { readonly url: string; readonly label: string } | undefined {
  const { initiate_login_uri: initiateLogin, client_uri: home, redirect_uris: redirectUris } = client.metadata;
  const site = redirectUris.find((uri) => /^https:/i.test(uri));
  const url =
    initiateLogin !== undefined
      ? appendQuery(initiateLogin, [['iss', issuer]])
      : (home ?? (site === undefined ? undefined : `${new URL(site).origin}/`));
  return url === undefined ? undefined : { url, label: `Go to ${clientName(client)}` };
}
