import { isScopeToken, parseScope } from '../../platform/oidc/claims.js';
import { InvalidScopeError } from '../../platform/oidc/errors.js';

/** RFC 6749 §5.2: a malformed scope is an invalid one. */
export function requestedScope(scope: string): readonly string[] {
  const values = parseScope(scope);
  if (!values.every(isScopeToken))
    throw new InvalidScopeError('scope has a character that RFC 6749 §3.3 does not allow.');
  return values;
}
