import { Injectable } from '@nestjs/common';
import { map, mergeMap, type Observable } from 'rxjs';
import { clientName } from '../../clients/client.js';
import { ClientsService } from '../../clients/clients.service.js';
import { Sealer } from '../../keys/sealer.js';
import type { DeliveryState } from '../../logout/back-channel/delivery.js';
import type { LogoutOutcome } from '../../logout/logout.js';
import { TerminationWatch, type TerminationProgress } from '../../logout/termination-watch.js';
import { renderSignedOutProgress } from '../../pages/pages.js';
import type { ApplicationState, LiveView, SignedOutApplicationView } from '../../pages/views.js';

const SEALED = 'signed-out-progress';
/** The page is looked at once and closed; whoever finds its address later learns nothing. */
const TTL_MS = 15 * 60_000;

/** A rejection and a notice that was given up are one thing to the person: sign out there yourself. */
const STATE_WORDS: Readonly<Record<DeliveryState, ApplicationState>> = {
  delivered: 'confirmed',
  pending: 'pending',
  rejected: 'unreachable',
  abandoned: 'unreachable',
};
const WORST_FIRST: readonly ApplicationState[] = ['pending', 'unreachable', 'confirmed'];

/**
 * What becomes of a logout, for the person who signed out. The address is sealed and names one termination and nothing
 * else. Only names and one of three states are told: where an application is and what it answered is nobody's business
 * here (abuse case A31).
 */
@Injectable()
export class SignedOutProgress {
  constructor(
    private readonly watch: TerminationWatch,
    private readonly clients: ClientsService,
    private readonly sealer: Sealer,
  ) {}

  /** Undefined when there is nothing to follow. */
  follow(outcome: LogoutOutcome, applications: readonly SignedOutApplicationView[]): LiveView | undefined {
    if (outcome.kind === 'nothing_to_end' || applications.every(({ state }) => state !== 'pending')) return undefined;
    return this.viewOf(this.sealer.seal(SEALED, { terminationId: outcome.terminationId }, TTL_MS));
  }

  viewOf(token: string): LiveView {
    const reloadUrl = `/session/signed-out/${token}`;
    return { reloadUrl, eventsUrl: `${reloadUrl}/events` };
  }

  /** The termination that the address is about; undefined when it has lapsed or is none of ours. */
  open(token: string): string | undefined {
    return this.sealer.open<{ readonly terminationId: string }>(SEALED, token)?.terminationId;
  }

  /** Each application with its state. */
  async applications(terminationId: string): Promise<SignedOutApplicationView[]> {
    return this.named(await this.watch.now(terminationId));
  }

  /** The page's live part, now and whenever it changes. */
  updates(terminationId: string): Observable<string> {
    return this.watch.watch(terminationId).pipe(
      mergeMap((progress) => this.named(progress), 1),
      map(renderSignedOutProgress),
    );
  }

  private async named({ applications }: TerminationProgress): Promise<SignedOutApplicationView[]> {
    const clients = await this.clients.findEvenDeleted([...new Set(applications.map(({ clientId }) => clientId))]);
    return toApplicationViews(
      applications.map(({ clientId, state }) => {
        const client = clients.get(clientId);
        return { clientId, clientName: client === undefined ? clientId : clientName(client), state };
      }),
    );
  }
}

/** One line for each application, however many sessions it was told about; as good as the worst of them. */
export function toApplicationViews(
  notices: readonly { readonly clientId: string; readonly clientName: string; readonly state: DeliveryState }[],
): SignedOutApplicationView[] {
  const views = new Map<string, SignedOutApplicationView>();
  for (const notice of notices) {
    const state = STATE_WORDS[notice.state];
    const known = views.get(notice.clientId);
    if (known === undefined || WORST_FIRST.indexOf(state) < WORST_FIRST.indexOf(known.state))
      views.set(notice.clientId, { name: notice.clientName, state });
  }
  return [...views.values()].sort((a, b) => a.name.localeCompare(b.name, 'en'));
}
