/** Why a logout token must not be obeyed (Back-Channel Logout 1.0 §2.6), in words that can be counted. */
export const LOGOUT_TOKEN_REFUSALS = [
  'malformed',
  'unknown_issuer',
  'wrong_audience',
  'wrong_alg',
  'wrong_typ',
  'bad_signature',
  'iat_missing',
  'exp_missing',
  'jti_missing',
  'events_missing',
  'sub_and_sid_missing',
  'bad_claim',
  'expired',
  'iat_in_the_future',
  'iat_too_long_ago',
  'has_nonce',
] as const;
export type LogoutTokenRefusal = (typeof LOGOUT_TOKEN_REFUSALS)[number];
