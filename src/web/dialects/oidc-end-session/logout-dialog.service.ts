import { Injectable } from '@nestjs/common';
import { FrontChannelLogout } from '../../../domain/logout/notices/front-channel-logout.service.js';
import type { SessionApplication, SignedInSession } from '../../../domain/sessions/session.js';
import { HOUR } from '../../../platform/clock/durations.js';
import { Sealer } from '../../../platform/keys/sealer.js';
import { PATHS } from '../../../platform/oidc/endpoints.js';
import type { Browser } from '../../kit/browser.js';
import { formPage, type HttpResponse } from '../../kit/http-response.js';
import { clientView } from '../../pages/client-view.js';
import { renderLogoutConfirmationPage, type LogoutConfirmationView } from '../../pages/pages.js';
import { accountView } from '../../pages/session-view.js';
import type { VerifiedRequest } from './end-session-requests.service.js';
import { toShownDialog, wayOf, type ShownDialog } from './end-session.mapper.js';
import { FederatedLogout } from './federated-logout.service.js';

const SEALED = 'end-session-dialog';
const TTL_MS = HOUR;

/** The question whether to sign out. What it was shown for comes back sealed with the form, so nothing is verified twice. */
@Injectable()
export class LogoutDialog {
  constructor(
    private readonly federated: FederatedLogout,
    private readonly frontChannel: FrontChannelLogout,
    private readonly sealer: Sealer,
  ) {}

  /**
   * @param session of this browser; without one the dialog says so, and asks where to continue
   * @param applications in that session
   */
  async show(
    { request, client }: VerifiedRequest,
    session: SignedInSession | undefined,
    applications: readonly SessionApplication[],
    browser: Browser,
  ): Promise<HttpResponse> {
    const upstream = await this.federated.offerFor(session, wayOf(request));
    return formPage(browser, renderLogoutConfirmationPage, {
      action: PATHS.endSession,
      request: this.sealer.seal(SEALED, toShownDialog(request, session, upstream), TTL_MS),
      account: session === undefined ? undefined : accountView(session),
      client: client === undefined ? undefined : clientView(client),
      ...this.consequences(applications),
      returnsToClient: request.redirectUri !== undefined,
      linksTo: request.link?.clientName,
      mayLeaveClient: applications.some(({ clientId }) => clientId === client?.clientId),
      upstream: upstream === undefined ? undefined : { name: upstream.displayName },
      notice: request.notice,
    });
  }

  /** What a dialog was shown for; undefined when it was left open too long, or is not one of this provider's. */
  opened(sealed: string | undefined): ShownDialog | undefined {
    return this.sealer.open<ShownDialog>(SEALED, sealed ?? '');
  }

  /** How many applications will be notified or asked, and by name those that cannot be. */
  private consequences(
    applications: readonly SessionApplication[],
  ): Pick<LogoutConfirmationView, 'applications' | 'asked' | 'cannotTell'> {
    const asked = applications.filter(
      ({ told, registered }) => told === 'front_channel' && this.frontChannel.mayAsk(registered),
    );
    const cannotTell = applications.filter((one) => one.told !== 'back_channel' && !asked.includes(one));
    return {
      applications: applications.length - cannotTell.length,
      asked: asked.length,
      cannotTell: cannotTell.map(({ name, uri }) => ({ name, ...(uri === undefined ? {} : { url: uri }) })),
    };
  }
}
