import type { SigningAlgorithm } from './algorithms.js';

/**
 * What ID tokens say about the person besides `sub`: `scope`, the claims of the granted scopes, which most client
 * libraries show as the user; `conform`, by OpenID Connect Core 1.0 §5.4, only claims that the `claims` parameter asked
 * for there, the others being userinfo's.
 */
export const ID_TOKEN_CLAIMS = ['scope', 'conform'] as const;
export type IdTokenClaims = (typeof ID_TOKEN_CLAIMS)[number];

/**
 * Client metadata as registered, spelled as the wire spells it. Defaults are filled in.
 *
 * @see [OpenID Connect Dynamic Client Registration 1.0](https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata) §2
 * @see [RFC 7591](https://www.rfc-editor.org/rfc/rfc7591#section-2) §2
 */
export interface ClientMetadata {
  readonly client_name?: string;
  readonly application_type: 'web' | 'native';
  readonly redirect_uris: readonly string[];
  /** RP-Initiated Logout 1.0 §3.1 */
  readonly post_logout_redirect_uris: readonly string[];
  readonly response_types: readonly 'code'[];
  readonly grant_types: readonly string[];
  readonly token_endpoint_auth_method: string;
  readonly token_endpoint_auth_signing_alg?: string;
  readonly jwks?: { readonly keys: ReadonlyArray<Readonly<Record<string, unknown>>> };
  readonly jwks_uri?: string;
  readonly id_token_signed_response_alg: SigningAlgorithm;
  /** Userinfo is signed with it (Core §5.3.2); plain JSON when absent. */
  readonly userinfo_signed_response_alg?: SigningAlgorithm;
  /** The one algorithm of the client's request objects; any that is offered when absent (Core §6). */
  readonly request_object_signing_alg?: string;
  /** Ours: what ID tokens say about the person; what the installation says when absent. */
  readonly id_token_claims?: IdTokenClaims;
  readonly scope: string;
  /** Back-Channel Logout 1.0 §2.2 */
  readonly backchannel_logout_uri?: string;
  readonly backchannel_logout_session_required: boolean;
  /** Our own: the causes of which the client is notified; all when absent. */
  readonly backchannel_logout_causes?: readonly string[];
  /** Ours: the logout token says why, by the claim `reason`. */
  readonly backchannel_logout_reason_required?: boolean;
  /** Front-Channel Logout 1.0 §2 */
  readonly frontchannel_logout_uri?: string;
  readonly frontchannel_logout_session_required: boolean;
  readonly initiate_login_uri?: string;
  readonly client_uri?: string;
  readonly logo_uri?: string;
  readonly policy_uri?: string;
  readonly tos_uri?: string;
  readonly contacts?: readonly string[];
  readonly default_max_age?: number;
  readonly require_auth_time: boolean;
  /** RFC 9126 §6 */
  readonly require_pushed_authorization_requests?: boolean;
  readonly software_id?: string;
  readonly software_version?: string;
  /** Ours: a first-party application whose users are not asked for consent. Administrators only. */
  readonly skip_consent: boolean;
  /** Ours: spares the logout dialog when a valid hint belongs to the cookie's session. Administrators only. */
  readonly skip_logout_confirmation: boolean;
  /** Ours: a hint that is still good ends its session without a browser and a dialog. Administrators only. */
  readonly headless_logout: boolean;
  /** Ours: may introspect tokens that are meant for it. Administrators only. */
  readonly resource_server: boolean;
  /** Ours: values of `aud` in access tokens, the issuer when empty. Administrators only. */
  readonly audience: readonly string[];
  /** Ours: a facilitator that signs people in on pages of its own. Administrators only. */
  readonly permissions: readonly string[];
  /** Ours: JWT (RFC 9068) or opaque access tokens. */
  readonly access_token_format: 'jwt' | 'opaque';
}
