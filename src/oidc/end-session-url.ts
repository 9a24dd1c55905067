import { appendQuery } from './redirect-uri.js';

/** What a logout URL that we hand out carries; what is undefined is left out. */
export interface EndSessionParameters {
  readonly idTokenHint?: string | undefined;
  readonly postLogoutRedirectUri?: string | undefined;
  readonly state?: string | undefined;
}

/**
 * The URL that signs somebody out at a provider (RP-Initiated Logout 1.0 §2): the endpoint with its own query kept, then
 * `id_token_hint`, `post_logout_redirect_uri`, `state`, in this order, percent-encoded.
 */
export function endSessionUrl(endpoint: string, parameters: EndSessionParameters): string {
  return appendQuery(endpoint, [
    ['id_token_hint', parameters.idTokenHint],
    ['post_logout_redirect_uri', parameters.postLogoutRedirectUri],
    ['state', parameters.state],
  ]);
}
