/** Claims that each scope asks for (OpenID Connect Core 1.0 §5.4). */
export const CLAIMS_BY_SCOPE = {
  profile: [
    'name',
    'family_name',
    'given_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
} as const satisfies Record<string, readonly string[]>;

/** Every claim about a person that an account may hold (OpenID Connect Core 1.0 §5.1). */
export const STANDARD_CLAIMS: readonly string[] = Object.values(CLAIMS_BY_SCOPE).flat();

/** What an ID token says of itself and of the sign-in (OpenID Connect Core 1.0 §2), `sid` by Back-Channel Logout 1.0 §2.1. */
export const ID_TOKEN_CLAIMS = ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'acr', 'amr', 'nonce', 'sid'] as const;

const OF_THE_TOKEN: ReadonlySet<string> = new Set(['iss', 'aud', 'exp', 'iat', 'nonce']);

/** What the `claims` parameter may name: the claims of accounts, and what an ID token says of the sign-in. */
export const REQUESTABLE_CLAIMS: ReadonlySet<string> = new Set([
  ...STANDARD_CLAIMS,
  ...ID_TOKEN_CLAIMS.filter((name) => !OF_THE_TOKEN.has(name)),
]);

/** Scopes that a client may be registered for; others are ignored in requests (Core §3.1.2.1). */
export const STANDARD_SCOPES = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'] as const;

/** What scopes of this server itself begin with. */
export const SERVER_SCOPE_PREFIX = 'exeunt:';

/**
 * A scope of this server itself: power over it. A client gets it for its own tokens, where it is registered for it; no
 * person can grant it, whatever the client asks for, since a consent does not check whether the person has that power.
 */
export function isServerScope(scope: string): boolean {
  return scope.startsWith(SERVER_SCOPE_PREFIX);
}

/** The scope of operators: the admin API. */
export const ADMIN_SCOPE = 'exeunt:admin';
/** The scope of an initial access token (RFC 7591 §3). */
export const REGISTRATION_SCOPE = 'exeunt:register';

/** One requested claim (OpenID Connect Core 1.0 §5.5.1). */
export interface ClaimRequest {
  readonly essential?: boolean;
  readonly value?: unknown;
  readonly values?: readonly unknown[];
}

/** The `claims` request parameter (OpenID Connect Core 1.0 §5.5). */
export interface ClaimsParameter {
  readonly userinfo?: Readonly<Record<string, ClaimRequest | null>>;
  readonly id_token?: Readonly<Record<string, ClaimRequest | null>>;
}

/** The characters of one scope value (RFC 6749 §3.3). */
export function isScopeToken(value: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value);
}

/** Splits a space-delimited scope value (RFC 6749 §3.3), dropping repeats. */
export function parseScope(scope: string | undefined): string[] {
  return [...new Set((scope ?? '').split(' ').filter((token) => token !== ''))];
}

/** Names of the claims that a scope value and the `claims` parameter allow in one of the two places. */
export function requestedClaims(scope: readonly string[], requested: ClaimsParameter['userinfo']): Set<string> {
  const names = new Set<string>();
  for (const value of scope) {
    if (Object.hasOwn(CLAIMS_BY_SCOPE, value))
      for (const claim of CLAIMS_BY_SCOPE[value as keyof typeof CLAIMS_BY_SCOPE]) names.add(claim);
  }
  for (const claim of Object.keys(requested ?? {})) names.add(claim);
  return names;
}

/** The named claims that have a value. A claim without one is left out, never null or empty (Core §5.3.2). */
export function selectClaims(all: Readonly<Record<string, unknown>>, names: Iterable<string>): Record<string, unknown> {
  const selected: Record<string, unknown> = {};
  for (const name of names) {
    const value = Object.hasOwn(all, name) ? all[name] : undefined;
    if (value !== undefined && value !== null && value !== '') selected[name] = value;
  }
  return selected;
}
