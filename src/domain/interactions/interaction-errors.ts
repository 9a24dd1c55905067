import { InvalidRequestError, ProtocolError } from '../../platform/oidc/errors.js';
import type { Client } from '../clients/client.js';
import type { Interaction } from './interaction.js';

/** Which interaction an error is about, for the page that leads on from it. */
export type EndedInteraction =
  /** No such row is this browser's: it is unknown, gone, or another browser's. */
  | { readonly kind: 'unknown'; readonly id: string }
  /** This browser's own, and not open any more. */
  | { readonly kind: 'over'; readonly id: string; readonly interaction: Interaction }
  /** Another one was begun in its place. */
  | { readonly kind: 'replaced'; readonly by: string };

/** The page belongs to a sign-in that has lapsed, or was begun in another browser. */
export class InteractionLostError extends ProtocolError {
  readonly code = 'interaction_lost';
  readonly status = 400;

  /** @param about undefined: nothing leads on, since its application is gone */
  constructor(readonly about?: EndedInteraction) {
    super('This sign-in has lapsed or was begun in another browser.');
  }
}

/** The session in which the person would have been granted it has ended at this moment, or has another cookie by now. */
export class SessionOverError extends InteractionLostError {}

/** The application has had the response to this sign-in. */
export class InteractionAnsweredError extends ProtocolError {
  readonly code = 'interaction_answered';
  readonly status = 400;

  constructor(readonly about: EndedInteraction) {
    super('The application has had its answer, and an answer is given once.');
  }
}

/** The request is wrong, and only the person can be shown so: its redirect URI is not good. */
export class UnanswerableRequestError extends InvalidRequestError {
  constructor(
    description: string,
    readonly client: Client,
  ) {
    super(description);
  }
}

/** The pushed request has expired, or has its response: there is nothing wrong with it, and the person may ask for another one. */
export class PushedRequestOverError extends ProtocolError {
  readonly code = 'interaction_lost';
  readonly status = 400;

  constructor(
    why: 'expired' | 'used',
    readonly client: Client,
  ) {
    super(
      why === 'used' ? 'This way into the application was used before.' : 'This way into the application has expired.',
    );
  }
}

/** Of an interaction of this browser that is not open any more. */
export function interactionOver(id: string, interaction: Interaction): ProtocolError {
  return endedError(interaction, { kind: 'over', id, interaction });
}

/** Of one that was over, and in whose place another one has been begun. */
export function interactionReplaced(before: Interaction, by: string): ProtocolError {
  return endedError(before, { kind: 'replaced', by });
}

function endedError({ state }: Interaction, about: EndedInteraction): ProtocolError {
  return state === 'answered' ? new InteractionAnsweredError(about) : new InteractionLostError(about);
}
