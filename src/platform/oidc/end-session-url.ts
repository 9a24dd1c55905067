import { appendQuery } from './redirect-uri.js';

/** What a logout URL that we hand out carries; what is undefined is left out. */
export interface EndSessionParameters {
  readonly idTokenHint?: string | undefined;
  /** What the application is called there, and which person is meant: for when the hint is too long. */
  readonly clientId?: string | undefined;
  readonly logoutHint?: string | undefined;
  readonly postLogoutRedirectUri?: string | undefined;
  readonly state?: string | undefined;
}

/** Servers in wide use refuse a request line, or all headers together, of more than 8 KiB. */
const MAX_URL = 8000;

/**
 * The URL that signs a person out at a provider (RP-Initiated Logout 1.0 §2): the endpoint with its own query kept,
 * then `id_token_hint`, `post_logout_redirect_uri`, `state`, in this order, percent-encoded.
 *
 * An ID token may hold hundreds of groups. One that makes the URL too long is left out, and `client_id` and `logout_hint`
 * stand for it: the provider then asks the person, rather than showing an error and keeping them signed in.
 */
export function endSessionUrl(endpoint: string, parameters: EndSessionParameters): string {
  const back = [
    ['post_logout_redirect_uri', parameters.postLogoutRedirectUri],
    ['state', parameters.state],
  ] as const;
  const url = appendQuery(endpoint, [['id_token_hint', parameters.idTokenHint], ...back]);
  if (parameters.idTokenHint === undefined || url.length <= MAX_URL) return url;
  const whom = [
    ['client_id', parameters.clientId],
    ['logout_hint', parameters.logoutHint],
  ] as const;
  return appendQuery(endpoint, [...whom, ...back]);
}
