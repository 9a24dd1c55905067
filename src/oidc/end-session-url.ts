import { appendQuery } from './redirect-uri.js';

export interface EndSessionUrlParameters {
  readonly idTokenHint?: string | undefined;
  readonly postLogoutRedirectUri?: string | undefined;
  readonly state?: string | undefined;
}

/** An end-session URL in the parameter order that every dialect hands out; the endpoint's own query is kept. */
export function endSessionUrl(endpoint: string, parameters: EndSessionUrlParameters): string {
  return appendQuery(endpoint, [
    ['id_token_hint', parameters.idTokenHint],
    ['post_logout_redirect_uri', parameters.postLogoutRedirectUri],
    ['state', parameters.state],
  ]);
}
