/**
 * Protocol errors: the request is wrong. One class per OAuth error code, thrown at the edge and by verifiers.
 * `description` is safe to show; `cause` never leaves the process.
 *
 * Expected outcomes (already logged out, unknown session) are values, not errors; storage failures stay what they are.
 */
export abstract class ProtocolError extends Error {
  abstract readonly code: string;
  abstract readonly status: number;

  constructor(
    readonly description: string,
    options?: { readonly cause?: unknown },
  ) {
    super(description, options);
    this.name = new.target.name;
  }
}

/** RFC 6749 §5.2 */
export class InvalidRequestError extends ProtocolError {
  readonly code = 'invalid_request';
  readonly status = 400;
}

/** RFC 6749 §5.2: 401 with `WWW-Authenticate`, in whichever way the client tried to authenticate (RFC 9110 §15.5.2). */
export class InvalidClientError extends ProtocolError {
  readonly code = 'invalid_client';
  readonly status = 401;
}

/** RFC 6749 §5.2 */
export class InvalidGrantError extends ProtocolError {
  readonly code = 'invalid_grant';
  readonly status = 400;
}

/** RFC 6749 §5.2 */
export class UnauthorizedClientError extends ProtocolError {
  readonly code = 'unauthorized_client';
  readonly status = 400;
}

/** RFC 6749 §5.2 */
export class UnsupportedGrantTypeError extends ProtocolError {
  readonly code = 'unsupported_grant_type';
  readonly status = 400;
}

/** RFC 6749 §5.2 */
export class InvalidScopeError extends ProtocolError {
  readonly code = 'invalid_scope';
  readonly status = 400;
}

/** RFC 6750 §3.1 */
export class InvalidTokenError extends ProtocolError {
  readonly code = 'invalid_token';
  readonly status = 401;
}

/** RFC 6750 §3.1: no credentials were sent, so the challenge names no error code. */
export class MissingTokenError extends ProtocolError {
  readonly code = 'missing_token';
  readonly status = 401;
}

/** RFC 6750 §3.1 */
export class InsufficientScopeError extends ProtocolError {
  readonly code = 'insufficient_scope';
  readonly status = 403;

  constructor(
    description: string,
    readonly scope: string,
  ) {
    super(description);
  }
}

/** RFC 7591 §3.2.2 */
export class InvalidRedirectUriError extends ProtocolError {
  readonly code = 'invalid_redirect_uri';
  readonly status = 400;
}

/** RFC 7591 §3.2.2 */
export class InvalidClientMetadataError extends ProtocolError {
  readonly code = 'invalid_client_metadata';
  readonly status = 400;
}

/** The thing named by the request does not exist (admin API). */
export class NotFoundError extends ProtocolError {
  readonly code = 'not_found';
  readonly status = 404;
}

/**
 * @param kind what was looked for, as the refusal names it
 * @returns what was found
 * @throws NotFoundError when that is nothing
 */
export function existing<T>(found: T | null | undefined, kind: string): T {
  if (found === null || found === undefined) throw new NotFoundError(`There is no such ${kind}.`);
  return found;
}

/** The request contradicts what is stored, such as a login that is taken (admin API). */
export class ConflictError extends ProtocolError {
  readonly code = 'conflict';
  readonly status = 409;
}

/** Too many attempts; `retryAfterSeconds` goes into `Retry-After` (RFC 6585 §4). */
export class TooManyRequestsError extends ProtocolError {
  readonly code = 'too_many_requests';
  readonly status = 429;

  constructor(
    description: string,
    readonly retryAfterSeconds: number,
  ) {
    super(description);
  }
}

/** We are busy or storage is away; the request may be sent again (RFC 6749 §4.1.2.1, RFC 7009 §2.2.1). */
export class TemporarilyUnavailableError extends ProtocolError {
  readonly code = 'temporarily_unavailable';
  readonly status = 503;
  readonly retryAfterSeconds = 2;
}

/** Error codes that an authorization endpoint returns to the client by redirect. */
export type AuthorizationErrorCode =
  | 'invalid_request'
  | 'unauthorized_client'
  | 'access_denied'
  | 'unsupported_response_type'
  | 'invalid_scope'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'login_required'
  | 'interaction_required'
  | 'consent_required'
  | 'account_selection_required'
  | 'request_not_supported'
  | 'invalid_request_object'
  | 'request_uri_not_supported'
  | 'registration_not_supported'
  | 'unmet_authentication_requirements';
