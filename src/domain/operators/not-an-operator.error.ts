import { ProtocolError } from '../../platform/oidc/errors.js';

/** Somebody asks for what operators see, and is none, or none any more. */
export class NotAnOperatorError extends ProtocolError {
  readonly code = 'not_an_operator';
  readonly status = 403;

  constructor() {
    super('This is for operators. Sign in at /console/sign-in.');
  }
}
