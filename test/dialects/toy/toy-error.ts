import { ProtocolError } from '../../../src/platform/oidc/errors.js';

/** The token does not say whose session is meant. */
export class BadSessionTokenError extends ProtocolError {
  readonly code = 'bad_session_token';
  readonly status = 403;
}

/** The body is not the one line that it has to be. */
export class BadBodyError extends ProtocolError {
  readonly code = 'bad_request';
  readonly status = 400;
}
