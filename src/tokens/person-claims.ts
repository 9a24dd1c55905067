import { requestedClaims, selectClaims } from '../oidc/claims.js';
import type { Grant } from './grant.js';

/** Whom a token stands for, with every claim that is known about the person. */
export interface TokenPerson {
  readonly grant: Pick<Grant, 'claims'>;
  readonly accountClaims: Readonly<Record<string, unknown>>;
}

/**
 * What an access token lets its bearer know about the person: the claims of its scope (OpenID Connect Core 1.0 §5.4) and,
 * with `openid`, those that the `claims` parameter asked of userinfo (§5.5). Every endpoint that answers to a token with
 * anything about a person says this and no more.
 */
export function personClaims(scope: readonly string[], person: TokenPerson): Readonly<Record<string, unknown>> {
  const requested = scope.includes('openid') ? person.grant.claims?.userinfo : undefined;
  return selectClaims(person.accountClaims, requestedClaims(scope, requested));
}
