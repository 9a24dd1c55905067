import { ProtocolError } from '../oidc/errors.js';

/** A form that we did not hand to this browser: a forged one, or the browser keeps no cookies. */
export class ForbiddenFormError extends ProtocolError {
  readonly code = 'invalid_form';
  readonly status = 403;

  constructor() {
    super('This form was not opened in this browser, or the browser does not keep cookies for this site.');
  }
}

/** The page belongs to a sign-in that has lapsed, is finished, or was begun in another browser. */
export class InteractionLostError extends ProtocolError {
  readonly code = 'interaction_lost';
  readonly status = 400;

  constructor() {
    super('This sign-in has lapsed or was begun in another browser.');
  }
}
