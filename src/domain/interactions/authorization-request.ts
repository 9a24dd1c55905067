import type { ClaimsParameter } from '../../platform/oidc/claims.js';

/** A validated authorization request (OpenID Connect Core 1.0 §3.1.2.1): client and redirect URI are registered. */
export interface AuthorizationRequest {
  readonly clientId: string;
  /** Where the answer goes. */
  readonly redirectUri: string;
  /** Whether the request named it; then `/token` must repeat it (RFC 6749 §4.1.3). */
  readonly redirectUriSent: boolean;
  readonly responseMode: 'query' | 'form_post';
  readonly scope: readonly string[];
  readonly state?: string;
  readonly nonce?: string;
  readonly codeChallenge?: string;
  readonly prompt: readonly string[];
  readonly maxAge?: number;
  readonly loginHint?: string;
  /** The `sub` of a verified `id_token_hint`. */
  readonly hintedSub?: string;
  readonly claims?: ClaimsParameter;
  /** One of these it must be: an essential `acr` (Core §5.5.1.1). Absent: any. A voluntary one is a wish. */
  readonly acr?: readonly string[];
  /** Which pushed request it is (RFC 9126): the response uses that up. Absent: it came with the browser. */
  readonly pushed?: string;
}

/** Where the response to a request goes, once client and redirect URI are known to be good. */
export interface ResponseTarget {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly responseMode: 'query' | 'form_post';
  readonly state: string | undefined;
}

export function targetOf(request: AuthorizationRequest): ResponseTarget {
  const { clientId, redirectUri, responseMode, state } = request;
  return { clientId, redirectUri, responseMode, state };
}
