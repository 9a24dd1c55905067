import { ProtocolError } from '../oidc/errors.js';

/** A form that we did not hand to this browser: a forged one, or the browser keeps no cookies. */
export class ForbiddenFormError extends ProtocolError implements LeadsOn {
  readonly code = 'invalid_form';
  readonly status = 403;

  constructor(readonly ways: readonly WayOn[] = []) {
    super('This form was not opened in this browser, or the browser does not keep cookies for this site.');
  }
}

/** Where somebody goes on who has come to a page that is of no use to them. */
export interface WayOn {
  readonly url: string;
  /** The words of the link. */
  readonly label: string;
  /** The browser goes there by itself. Never back to where the error came from. */
  readonly atOnce?: boolean;
}

/** An error that a person sees, with ways that lead on. Every page has the way to our front page besides. */
export interface LeadsOn {
  readonly ways: readonly WayOn[];
}

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

/** The ways that an error names, if it is of that kind. */
export function waysOf(error: unknown): readonly WayOn[] {
  return error instanceof Error && 'ways' in error ? (error as Error & LeadsOn).ways : [];
}
