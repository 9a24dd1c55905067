import { ProtocolError } from '../../../src/platform/oidc/errors.js';

/** The token does not say whose session is meant. */
export class BadSessionTokenError extends ProtocolError {
  readonly code = 'bad_session_token';
  readonly status = 403;
}
