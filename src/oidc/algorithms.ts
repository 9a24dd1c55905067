/** Signature algorithms of ID tokens and logout tokens. `none` and HMAC are not offered and nothing can switch them on. */
export const ID_TOKEN_ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
export type SigningAlgorithm = (typeof ID_TOKEN_ALGORITHMS)[number];

/** OpenID Connect asks for RS256 unless the client registers another (Core §15.1). */
export const DEFAULT_ID_TOKEN_ALGORITHM: SigningAlgorithm = 'RS256';
/** Access tokens are ES256: a tenth of RS256's cost. */
export const ACCESS_TOKEN_ALGORITHM: SigningAlgorithm = 'ES256';

/** Algorithms that a client's assertion may use (`private_key_jwt`, RFC 7523). */
export const CLIENT_ASSERTION_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const;
