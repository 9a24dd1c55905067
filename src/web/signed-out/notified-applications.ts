import { clientName, type Client } from '../../domain/clients/client.js';
import type { DeliveryState } from '../../domain/logout/notices/delivery.js';
import type { ApplicationStanding } from '../../domain/logout/receipts/receipts.service.js';
import type { ApplicationState, SignedOutApplicationView } from '../pages/pages.js';

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

/** An application that was neither notified nor asked. */
export interface NotNotifiedApplication {
  readonly clientId: string;
  readonly clientName: string;
  /** Where the person may sign out themselves. */
  readonly clientUri?: string | undefined;
}

/** A rejection and a notice that was given up are one thing to the person: sign out there yourself. */
const STATE_WORDS: Readonly<Record<DeliveryState, ApplicationState>> = {
  delivered: 'confirmed',
  pending: 'pending',
  rejected: 'unreachable',
  abandoned: 'unreachable',
};

/** Of two sessions at one application the worse one counts; what can still change goes before what cannot. */
const WORST_FIRST: readonly ApplicationState[] = ['pending', 'unreachable', 'not_told', 'asked', 'confirmed'];

/**
 * One line for each application, however many sessions it was notified about. One with both channels is judged by its
 * notices: a frame proves nothing, and must not turn "could not be reached" into something better.
 */
export function notifiedApplications(
  notices: readonly Notice[],
  frontChannel: readonly FrontChannelApplication[],
  notNotified: readonly NotNotifiedApplication[] = [],
): SignedOutApplicationView[] {
  const told = new Map<string, SignedOutApplicationView>();
  const note = (clientId: string, view: SignedOutApplicationView): void => {
    const known = told.get(clientId);
    if (known === undefined || WORST_FIRST.indexOf(view.state) < WORST_FIRST.indexOf(known.state))
      told.set(clientId, view);
  };
  for (const { clientId, clientName: name, state } of notices) note(clientId, { name, state: STATE_WORDS[state] });
  for (const { clientId, clientName: name, asked } of frontChannel)
    if (!told.has(clientId)) told.set(clientId, { name, state: asked ? 'asked' : 'unreachable' });
  for (const { clientId, clientName: name, clientUri } of notNotified)
    note(clientId, { name, state: 'not_told', ...(clientUri === undefined ? {} : { url: clientUri }) });
  return [...told.values()].sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

/** As {@link notifiedApplications}, of what the ledger says; the names are those of `clients`. */
export function notifiedApplicationsOf(
  standings: readonly Pick<ApplicationStanding, 'clientId' | 'state' | 'reason'>[],
  clients: ReadonlyMap<string, Client>,
): SignedOutApplicationView[] {
  const notices: Notice[] = [];
  const frontChannel: FrontChannelApplication[] = [];
  const notNotified: NotNotifiedApplication[] = [];
  for (const { clientId, state, reason } of standings) {
    const client = clients.get(clientId);
    const named = { clientId, clientName: client === undefined ? clientId : clientName(client) };
    if (state === 'asked' || reason === 'frontchannel_uri_refused')
      frontChannel.push({ ...named, asked: state === 'asked' });
    else if (state === 'not_told') notNotified.push({ ...named, clientUri: client?.metadata.client_uri });
    else notices.push({ ...named, state });
  }
  return notifiedApplications(notices, frontChannel, notNotified);
}
