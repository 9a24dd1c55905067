import type { DeliveryState } from '../logout/back-channel/delivery.js';
import type { ApplicationState, SignedOutApplicationView } from '../pages/views.js';

/** What a notice came to, in the words of the ledger. */
export interface Notice {
  readonly clientId: string;
  readonly clientName: string;
  readonly state: DeliveryState;
}

/** An application that registered a front channel. */
export interface FrontChannelApplication {
  readonly clientId: string;
  readonly clientName: string;
  /** A frame was loaded; not so when its address may not be. */
  readonly asked: boolean;
}

/** A rejection and a notice that was given up are one thing to the person: sign out there yourself. */
const STATE_WORDS: Readonly<Record<DeliveryState, ApplicationState>> = {
  delivered: 'confirmed',
  pending: 'pending',
  rejected: 'unreachable',
  abandoned: 'unreachable',
};

/** Of two sessions at one application the worse one counts; what can still change goes before what cannot. */
const WORST_FIRST: readonly ApplicationState[] = ['pending', 'unreachable', 'asked', 'confirmed'];

/**
 * One line for each application, however many sessions it was told about. One with both channels is judged by its
 * notices: a frame proves nothing, and must not turn "could not be reached" into something better.
 */
export function toldApplications(
  notices: readonly Notice[],
  frontChannel: readonly FrontChannelApplication[],
): SignedOutApplicationView[] {
  const told = new Map<string, SignedOutApplicationView>();
  for (const { clientId, clientName, state } of notices) {
    const word = STATE_WORDS[state];
    const known = told.get(clientId);
    if (known === undefined || WORST_FIRST.indexOf(word) < WORST_FIRST.indexOf(known.state))
      told.set(clientId, { name: clientName, state: word });
  }
  for (const { clientId, clientName, asked } of frontChannel)
    if (!told.has(clientId)) told.set(clientId, { name: clientName, state: asked ? 'asked' : 'unreachable' });
  return [...told.values()].sort((a, b) => a.name.localeCompare(b.name, 'en'));
}
