import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings.js';
import { HttpEdge, type Response } from '../http/http-edge.js';
import { FrontChannelLogout, type FrontChannelFrame } from '../logout/front-channel/front-channel-logout.service.js';
import { LogoutRecordsService } from '../logout/logout-records.service.js';
import type { LogoutOutcome } from '../logout/logout.js';
import { renderSignedOutPage } from '../pages/pages.js';
import type { SignedOutApplicationView, SignedOutView } from '../pages/views.js';
import { toldApplications } from './told-applications.js';

/** What the applications were told, as far as a person may see it. */
export interface Told {
  readonly applications: readonly SignedOutApplicationView[];
  /** What is still to be asked by this browser. */
  readonly frames: readonly { readonly name: string; readonly url: string }[];
}

export type SignedOutPage = Omit<SignedOutView, 'nonce' | 'applications' | 'frames' | 'onward'>;

/**
 * The end of a logout in a browser: waits for the notices, then shows the page whose frames ask the applications that
 * can only be asked there (Front-Channel Logout 1.0 §3).
 *
 * Going on by script as soon as every frame has loaded or failed, or after `FRONT_CHANNEL_WAIT_MS`. Without scripts by `Refresh`,
 * whose time begins when the page with its frames is loaded: a frame that hangs holds it up as long as the browser
 * waits, so the link is there from the start.
 */
@Injectable()
export class SignedOutAnswer {
  constructor(
    private readonly records: LogoutRecordsService,
    private readonly frontChannel: FrontChannelLogout,
    private readonly edge: HttpEdge,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** @param sessionId the session of this browser, whose applications its frames can reach; undefined: there was none */
  async told(outcome: LogoutOutcome, sessionId: string | undefined): Promise<Told> {
    if (outcome.kind === 'nothing_to_end') return { applications: [], frames: [] };
    const [notices, frames] = await Promise.all([
      this.records.settled(outcome.terminationId, this.settings.logoutWaitMs),
      sessionId === undefined ? [] : this.frontChannel.framesOf(outcome, sessionId),
    ]);
    return { applications: toldApplications(notices, frames), frames: frames.flatMap(toFrameView) };
  }

  /** @param onward where the browser goes by itself once the frames are done; at once when there are none */
  show(response: Response, told: Told, page: SignedOutPage, onward?: string): void {
    if (onward !== undefined) {
      const seconds = told.frames.length === 0 ? 0 : Math.ceil(this.settings.frontChannelWaitMs / 1000);
      this.edge.header(response, 'Refresh', `${seconds};url=${onward}`);
    }
    const nonce = this.edge.newNonce();
    const html = renderSignedOutPage({
      ...page,
      nonce,
      applications: told.applications,
      frames: told.frames,
      ...(onward === undefined ? {} : { onward: { url: onward, afterMs: this.settings.frontChannelWaitMs } }),
    });
    const origins = [...new Set(told.frames.map((frame) => new URL(frame.url).origin))];
    this.edge.page(response, html, { nonce, frames: origins });
  }
}

function toFrameView({ clientName, url }: FrontChannelFrame): { readonly name: string; readonly url: string }[] {
  return url === undefined ? [] : [{ name: clientName, url }];
}
