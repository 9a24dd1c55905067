import { Injectable } from '@nestjs/common';
import { map, mergeMap, type Observable } from 'rxjs';
import { MINUTE } from '../../platform/clock/durations.js';
import { clientView } from '../pages/client-view.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { Sealer } from '../../platform/keys/sealer.js';
import { TerminationWatch, type TerminationProgress } from '../../domain/logout/insight/termination-watch.js';
import { renderSignedOutProgress } from '../pages/pages.js';
import { PATHS } from '../../platform/oidc/endpoints.js';
import type { LiveView, SignedOutApplicationView, SignedOutView } from '../pages/pages.js';
import { notifiedApplicationsOf } from './notified-applications.js';

const SEALED = 'signed-out-progress';
/** The page is looked at once and closed; a later finder of its address learns nothing. */
const TTL_MS = 15 * MINUTE;

/** What a signed-out page is about, as it travels in its address: sealed, and without a person's name. */
export interface Followed {
  readonly terminationId: string;
  readonly everywhere?: true;
  /** The one application that was left. */
  readonly leftClientId?: string;
}

/**
 * What becomes of a logout, for the person who signed out. The address is sealed and is about one termination and
 * nothing else. Only names and one of a few states are shown: where an application is and what it answered is not for
 * this page (docs/threat-model.md#other-peoples-sessions).
 */
@Injectable()
export class SignedOutProgress {
  constructor(
    private readonly watch: TerminationWatch,
    private readonly clients: ClientsService,
    private readonly sealer: Sealer,
  ) {}

  /** Undefined when nothing can change any more. */
  follow(followed: Followed, applications: readonly SignedOutApplicationView[]): LiveView | undefined {
    if (applications.every(({ state }) => state !== 'pending')) return undefined;
    return this.viewOf(this.sealer.seal(SEALED, followed, TTL_MS));
  }

  viewOf(token: string): LiveView {
    const reloadUrl = `${PATHS.signedOut}/${token}`;
    return { reloadUrl, eventsUrl: `${reloadUrl}/events` };
  }

  /** What the address is about; undefined when it has lapsed or was not made here. */
  open(token: string): Followed | undefined {
    return this.sealer.open<Followed>(SEALED, token);
  }

  /** The page as it stands now. It does not say who is still signed in here: by now that may be another person. */
  async page(followed: Followed): Promise<Omit<SignedOutView, 'nonce' | 'live'>> {
    const { everywhere, leftClientId } = followed;
    const [applications, left] = await Promise.all([
      this.watch.now(followed.terminationId).then((progress) => this.named(progress)),
      leftClientId === undefined ? undefined : this.clients.find(leftClientId),
    ]);
    return {
      alreadySignedOut: false,
      applications,
      ...(everywhere === undefined ? {} : { everywhere }),
      ...(leftClientId === undefined
        ? {}
        : { leftClient: { client: left === undefined ? { name: leftClientId } : clientView(left) } }),
    };
  }

  /** The page's live part, now and whenever it changes. */
  updates(followed: Followed): Observable<string> {
    return this.watch.watch(followed.terminationId).pipe(
      mergeMap((progress) => this.named(progress), 1),
      map(renderSignedOutProgress),
    );
  }

  private async named({ applications }: TerminationProgress): Promise<SignedOutApplicationView[]> {
    const clients = await this.clients.findEvenDeleted([...new Set(applications.map(({ clientId }) => clientId))]);
    return notifiedApplicationsOf(applications, clients);
  }
}
