import { ProtocolError } from '../../platform/oidc/errors.js';
import type { LeadsOn, WayOn } from '../../platform/oidc/ways-on.js';

/** A form that we did not hand to this browser: a forged one, or the browser keeps no cookies. */
export class ForbiddenFormError extends ProtocolError implements LeadsOn {
  readonly code = 'invalid_form';
  readonly status = 403;

  constructor(readonly ways: readonly WayOn[] = []) {
    super('This form was not opened in this browser, or the browser does not keep cookies for this site.');
  }
}
