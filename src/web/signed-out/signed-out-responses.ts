import { Inject, Injectable } from '@nestjs/common';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { page, type HttpResponse } from '../kit/http-response.js';
import {
  FrontChannelLogout,
  type FrontChannelFrame,
} from '../../domain/logout/notices/front-channel-logout.service.js';
import { LogoutRecordsService } from '../../domain/logout/termination/logout-records.service.js';
import type { LogoutOutcome } from '../../domain/logout/command/logout.js';
import type { ApplicationStanding } from '../../domain/logout/receipts/receipts.service.js';
import { renderSignedOutPage } from '../pages/pages.js';
import type { LiveView, SignedOutApplicationView, SignedOutView } from '../pages/pages.js';
import { SignedOutProgress } from './signed-out-progress.js';
import { notifiedApplicationsOf } from './notified-applications.js';

type Ended = Extract<LogoutOutcome, { kind: 'ended' }>;

/** What became of the notices to the applications, as far as a person may see it. */
export interface Told {
  /** Undefined: there was nothing to end. */
  readonly terminationId?: string;
  readonly applications: readonly SignedOutApplicationView[];
  /** Those with a front channel. What has an address is still to be asked by this browser. */
  readonly frontChannel: readonly FrontChannelFrame[];
}

export interface SignedOutPage extends Omit<SignedOutView, 'nonce' | 'applications' | 'frames' | 'onward' | 'live'> {
  /** The one application that was left. */
  readonly leftClientId?: string;
}

/**
 * The end of a logout in a browser: waits for the notices, then shows the page whose frames ask the applications that
 * can only be asked there (Front-Channel Logout 1.0 §3), and which follows what is still pending.
 *
 * Going on by script as soon as every frame has loaded or failed, or after `FRONT_CHANNEL_WAIT_MS`. Without scripts by
 * `Refresh`, whose time begins when the page with its frames is loaded: a frame that hangs holds it up as long as the
 * browser waits, so the link is there from the start.
 */
@Injectable()
export class SignedOutResponses {
  constructor(
    private readonly records: LogoutRecordsService,
    private readonly frontChannel: FrontChannelLogout,
    private readonly progress: SignedOutProgress,
    private readonly clients: ClientsService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** @param sessionId the session of this browser, whose applications its frames can reach; undefined: there was none */
  async told(outcome: LogoutOutcome, sessionId: string | undefined): Promise<Told> {
    if (outcome.kind === 'nothing_to_end') return { applications: [], frontChannel: [] };
    const { terminationId } = outcome;
    const [notices, frontChannel] = await Promise.all([
      this.records.settled(terminationId, this.settings.logoutWaitMs),
      sessionId === undefined ? [] : this.frontChannel.framesOf(outcome, sessionId),
    ]);
    const refused = frontChannel.filter(({ url }) => url === undefined).map(({ clientId }) => clientId);
    const standings = [...notices.map((notice) => ({ ...notice, reason: null })), ...othersOf(outcome, refused)];
    const [clients] = await Promise.all([
      this.clients.findEvenDeleted([...new Set(standings.map(({ clientId }) => clientId))]),
      this.correct(outcome, refused),
    ]);
    return { terminationId, applications: notifiedApplicationsOf(standings, clients), frontChannel };
  }

  /**
   * The ledger says "asked" of each application with a front channel; only here it is seen that a frame may not be
   * loaded.
   */
  private async correct(outcome: Ended, refused: readonly string[]): Promise<void> {
    const wrong = outcome.withoutNotice.some((one) => one.state === 'asked' && refused.includes(one.client_id));
    if (wrong) await this.records.notAsked(outcome.terminationId, refused);
  }

  /** Whether this browser has to load the page before it may continue. */
  hasFrames(told: Told): boolean {
    return framesOf(told).length > 0;
  }

  /** @param onward where the browser goes by itself once the frames are done; at once when there are none */
  page(told: Told, { leftClientId, ...view }: SignedOutPage, onward?: string): HttpResponse {
    const frames = framesOf(told);
    const afterMs = frames.length === 0 ? 0 : this.settings.frontChannelWaitMs;
    // A page that the browser is about to leave has nothing to follow.
    const live = onward === undefined ? this.follow(told, view.everywhere === true, leftClientId) : undefined;
    return page(
      renderSignedOutPage,
      {
        ...view,
        applications: told.applications,
        frames,
        live,
        onward: onward === undefined ? undefined : { url: onward, afterMs },
      },
      {
        frames: [...new Set(frames.map(({ url }) => new URL(url).origin))],
        live: live !== undefined,
        refresh: onward === undefined ? undefined : { url: onward, afterSeconds: Math.ceil(afterMs / 1000) },
      },
    );
  }

  private follow(told: Told, everywhere: boolean, leftClientId: string | undefined): LiveView | undefined {
    if (told.terminationId === undefined) return undefined;
    const followed = {
      terminationId: told.terminationId,
      ...(everywhere ? { everywhere } : {}),
      ...(leftClientId === undefined ? {} : { leftClientId }),
    };
    return this.progress.follow(followed, told.applications);
  }
}

function othersOf(
  { withoutNotice }: Ended,
  refused: readonly string[],
): Pick<ApplicationStanding, 'clientId' | 'state' | 'reason'>[] {
  return withoutNotice.map(({ client_id: clientId, state, reason }) =>
    state === 'asked' && refused.includes(clientId)
      ? { clientId, state: 'not_told', reason: 'frontchannel_uri_refused' }
      : { clientId, state, reason: reason ?? null },
  );
}

function framesOf({ frontChannel }: Told): { readonly name: string; readonly url: string }[] {
  return frontChannel.flatMap(({ clientName, url }) => (url === undefined ? [] : [{ name: clientName, url }]));
}
