import { requestedClaims, selectClaims } from '../../platform/oidc/claims.js';
import type { Grant } from './grant.js';

/** The person for whom a token stands, with every claim that is known about the person. */
export interface TokenPerson {
  readonly grant: Pick<Grant, 'claims'>;
  readonly accountClaims: Readonly<Record<string, unknown>>;
}

type Claims = Readonly<Record<string, unknown>>;

/**
 * What an access token lets its bearer know about the person: the claims of its scope (OpenID Connect Core 1.0 §5.4) and,
 * with `openid`, those that the `claims` parameter asked of userinfo (§5.5). Every endpoint that answers to a token with
 * anything about a person says this and no more.
 */
export function personClaims(scope: readonly string[], person: TokenPerson): Claims {
  const requested = scope.includes('openid') ? person.grant.claims?.userinfo : undefined;
  return selectClaims(person.accountClaims, requestedClaims(scope, requested));
}

/**
 * An ID token comes back as a hint in URLs, and servers refuse long ones (nginx from 8 KiB, Node.js from 16 KiB of
 * headers): with this much about the person it stays below 4 KiB.
 */
const MAX_BYTES_BY_SCOPE = 2000;

/**
 * What an ID token says about the person: the claims that the `claims` parameter asked for there (§5.5), whatever their
 * size, and of those of `scope` the shortest ones that fit. None is cut; what does not fit is in userinfo.
 */
export function idTokenClaims(scope: readonly string[], person: TokenPerson): Claims {
  return {
    ...fitting(selectClaims(person.accountClaims, requestedClaims(scope, undefined)), MAX_BYTES_BY_SCOPE),
    ...selectClaims(person.accountClaims, requestedClaims([], person.grant.claims?.id_token)),
  };
}

function fitting(claims: Claims, maxBytes: number): Claims {
  const sized = Object.entries(claims).map(([name, value]) => ({
    name,
    value,
    bytes: Buffer.byteLength(JSON.stringify({ [name]: value })),
  }));
  let left = maxBytes;
  const fits = sized.toSorted((a, b) => a.bytes - b.bytes).filter(({ bytes }) => (left -= bytes) >= 0);
  return Object.fromEntries(fits.map(({ name, value }) => [name, value]));
}
