import { appendQuery, isWebUri } from '../../platform/oidc/redirect-uri.js';
import { clientName, isUnverified, type Client } from '../../domain/clients/client.js';

/** What pages say about an application. */
export function clientView(client: Client): {
  readonly name: string;
  readonly logoUri?: string | undefined;
  readonly clientUri?: string | undefined;
  readonly policyUri?: string | undefined;
  readonly tosUri?: string | undefined;
} {
  const { logo_uri: logoUri, client_uri: clientUri, policy_uri: policyUri, tos_uri: tosUri } = client.metadata;
  return {
    name: clientName(client),
    logoUri,
    clientUri,
    policyUri,
    tosUri,
  };
}

/**
 * The same for the question whether it may have something. What an unverified client says of itself is left out unless it
 * is on the host that gets the answer (Dynamic Client Registration 1.0 §9.1, RFC 7591 §5).
 */
export function clientViewFor(client: Client, redirectUri: string): ReturnType<typeof clientView> {
  const view = clientView(client);
  if (!isUnverified(client)) return view;
  const host = isWebUri(redirectUri) ? new URL(redirectUri).host : undefined;
  const own = (uri: string | undefined): boolean => uri === undefined || new URL(uri).host === host;
  return {
    name: view.name,
    ...(own(view.logoUri) ? { logoUri: view.logoUri } : {}),
    ...(own(view.clientUri) ? { clientUri: view.clientUri } : {}),
    ...(own(view.policyUri) ? { policyUri: view.policyUri } : {}),
    ...(own(view.tosUri) ? { tosUri: view.tosUri } : {}),
  };
}

/** Where the client's logo comes from, for `img-src`. */
export function logoOrigins(client: Client): string[] {
  return client.metadata.logo_uri === undefined ? [] : [new URL(client.metadata.logo_uri).origin];
}

/**
 * A link to the application, for a person who was on the way to it: where it begins a sign-in of its own (OpenID
 * Connect Core 1.0 §4), else its home, else the site that it is called back at. Undefined for an application that is
 * only on a person's device.
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
