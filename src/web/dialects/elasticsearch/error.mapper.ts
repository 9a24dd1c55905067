import {
  InvalidGrantError,
  InvalidScopeError,
  TooManyRequestsError,
  UnauthorizedClientError,
  UnsupportedGrantTypeError,
  type ProtocolError,
} from '../../../platform/oidc/errors.js';
import {
  illegalArgument,
  OAuthStyleError,
  ObjectError,
  tooManyRequests,
  unableToAuthenticateAtRealm,
  unauthorized,
  unknownRealm,
  type ElasticsearchError,
} from './elasticsearch-error.js';
import { RealmAuthenticationError, UnknownRealmError } from './realm-errors.js';

/** What this dialect says for a refusal of the core's. Those of 500 and up are the filter's. */
export function toElasticsearchError(error: ProtocolError): ElasticsearchError {
  if (error instanceof UnknownRealmError) return unknownRealm(error.description);
  if (error instanceof RealmAuthenticationError) return unableToAuthenticateAtRealm();
  if (error instanceof TooManyRequestsError) return tooManyRequests(error.retryAfterSeconds);
  // The one text for whatever is wrong with a refresh token: the caller does not learn what.
  if (error instanceof InvalidGrantError)
    return new OAuthStyleError(error.code, 'could not refresh the requested token');
  if (isAboutTokenRequest(error)) return new OAuthStyleError(error.code, error.description);
  if (error.status === 401) return unauthorized(error.description);
  if (error.status === 403) return new ObjectError(error.status, 'security_exception', error.description);
  return illegalArgument(error.description, error.status);
}

function isAboutTokenRequest(error: ProtocolError): boolean {
  return (
    error instanceof InvalidScopeError ||
    error instanceof UnauthorizedClientError ||
    error instanceof UnsupportedGrantTypeError
  );
}
