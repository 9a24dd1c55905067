import { ProtocolError } from '../../platform/oidc/errors.js';
import type { LeadsOn, WayOn } from '../../platform/oidc/ways-on.js';

/** The page belongs to a sign-in that has lapsed, or was begun in another browser. */
export class InteractionLostError extends ProtocolError implements LeadsOn {
  readonly code = 'interaction_lost';
  readonly status = 400;

  constructor(readonly ways: readonly WayOn[] = []) {
    super('This sign-in has lapsed or was begun in another browser.');
  }
}

/** The application has had the answer of this sign-in. */
export class InteractionAnsweredError extends ProtocolError implements LeadsOn {
  readonly code = 'interaction_answered';
  readonly status = 400;

  constructor(readonly ways: readonly WayOn[]) {
    super('The application has had its answer, and an answer is given once.');
  }
}
