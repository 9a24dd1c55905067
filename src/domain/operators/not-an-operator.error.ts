import { ProtocolError } from '../../platform/oidc/errors.js';

/** A request for what operators see, by a person who is not an operator, or not any more. */
export class NotAnOperatorError extends ProtocolError {
  readonly code = 'not_an_operator';
  readonly status = 403;

  constructor() {
    super('This is for operators. Sign in at /console/sign-in.');
  }
}
