/**
 * Signature algorithms of ID tokens and logout tokens. `none` and HMAC are not offered and nothing can switch them on.
 */
export const ID_TOKEN_ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
export type SigningAlgorithm = (typeof ID_TOKEN_ALGORITHMS)[number];

/** OpenID Connect asks for RS256 unless the client registers another (Core §15.1). */
export const DEFAULT_ID_TOKEN_ALGORITHM: SigningAlgorithm = 'RS256';
/** Access tokens are ES256: a tenth of RS256's cost. */
export const ACCESS_TOKEN_ALGORITHM: SigningAlgorithm = 'ES256';

/** Algorithms that a client's assertion may use (`private_key_jwt`, RFC 7523). */
export const CLIENT_ASSERTION_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const;

/** Algorithms that a client's request objects may use (RFC 9101 §6.2): signatures, so `none` is not among them. */
export const REQUEST_OBJECT_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;

/**
 * Algorithms by which another provider may sign ID tokens and logout tokens: asymmetric ones, each named. `none` and
 * HMAC are not among them, and no setting adds them (docs/threat-model.md#unsigned-tokens).
 */
export const UPSTREAM_SIGNING_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
export type UpstreamSigningAlgorithm = (typeof UPSTREAM_SIGNING_ALGORITHMS)[number];

/** How we prove who we are at another provider's token endpoint (OpenID Connect Core 1.0 §9). */
export const UPSTREAM_AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const;
export type UpstreamAuthMethod = (typeof UPSTREAM_AUTH_METHODS)[number];
