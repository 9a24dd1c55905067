import type { FrontChannelFrame } from '../logout/front-channel/front-channel-logout.service.js';
import type { ApplicationState, SignedOutApplicationView } from '../pages/views.js';

/** What a notice came to, in the words of the ledger. */
export interface Notice {
  readonly clientId: string;
  readonly clientName: string;
  readonly state: 'delivered' | 'pending' | 'rejected' | 'abandoned';
}

const STATE_WORDS = {
  delivered: 'confirmed',
  pending: 'pending',
  rejected: 'unreachable',
  abandoned: 'unreachable',
} as const satisfies Record<Notice['state'], ApplicationState>;

/** From the best to the worst: of two sessions at one application the worse one is what a person has to know. */
const ORDER: readonly ApplicationState[] = ['confirmed', 'asked', 'pending', 'unreachable'];

/**
 * Each application once. One with both channels is judged by its notice: a frame proves nothing, and must not turn
 * "could not be reached" into something better.
 */
export function toldApplications(
  notices: readonly Notice[],
  frames: readonly FrontChannelFrame[],
): SignedOutApplicationView[] {
  const told = new Map<string, SignedOutApplicationView>();
  const add = (clientId: string, name: string, state: ApplicationState): void => {
    const before = told.get(clientId);
    if (before === undefined || ORDER.indexOf(state) > ORDER.indexOf(before.state)) told.set(clientId, { name, state });
  };
  for (const { clientId, clientName, state } of notices) add(clientId, clientName, STATE_WORDS[state]);
  const noticed = new Set(notices.map(({ clientId }) => clientId));
  for (const { clientId, clientName, url } of frames)
    if (!noticed.has(clientId)) add(clientId, clientName, url === undefined ? 'unreachable' : 'asked');
  return [...told.values()];
}
