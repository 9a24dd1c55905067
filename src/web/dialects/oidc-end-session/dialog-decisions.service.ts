import { Injectable } from '@nestjs/common';
import { clientName } from '../../../domain/clients/client.js';
import { ClientsService } from '../../../domain/clients/clients.service.js';
import { PATHS } from '../../../platform/oidc/endpoints.js';
import { appendQuery } from '../../../platform/oidc/redirect-uri.js';
import type { Browser } from '../../kit/browser.js';
import { leave, page, type HttpResponse } from '../../kit/http-response.js';
import { clientView } from '../../pages/client-view.js';
import { renderStillSignedInPage } from '../../pages/pages.js';
import { accountView } from '../../pages/session-view.js';
import type { EndSessionFormDto } from './dto/end-session.dto.js';
import { EndSessionService } from './end-session.service.js';
import {
  linkView,
  toClientLogoutCommand,
  toEverywhereCommand,
  toLogoutCommand,
  withoutLostWayBack,
  type ShownDialog,
  type ShownForSession,
} from './end-session.mapper.js';
import { LogoutDialog } from './logout-dialog.service.js';
import { SignOut } from './sign-out.service.js';

/** Carries out what a person decided in the dialog. */
@Injectable()
export class DialogDecisions {
  constructor(
    private readonly dialog: LogoutDialog,
    private readonly endSession: EndSessionService,
    private readonly signOut: SignOut,
    private readonly clients: ClientsService,
  ) {}

  /** @throws ForbiddenFormError when the form is not this browser's */
  async carryOut(form: EndSessionFormDto, sender: Browser): Promise<HttpResponse> {
    const browser = sender.submitted(form.csrf, { url: PATHS.endSession, label: 'Show the question again' });
    const opened = this.dialog.opened(form.request);
    // A dialog that was left open too long is shown again; nothing of the old one is used.
    if (opened === undefined || form.decision === undefined) return this.endSession.askAnew(browser);
    const shown = withoutLostWayBack(opened, await this.clientOf(opened));
    if (form.decision === 'stay') return this.stay(shown, browser);
    const { sessionId, accountId } = shown;
    if (sessionId === undefined || accountId === undefined) return this.noSessionWasShown(shown, browser);
    const about = { ...shown, sessionId, accountId };
    const byUpstream = form.upstream === 'logout';
    switch (form.decision) {
      case 'logout':
        return this.leaveSession(about, browser, byUpstream);
      case 'everywhere':
        return this.leaveEverySession(about, browser, byUpstream);
      case 'client':
        return this.leaveClient(about, browser);
    }
  }

  private async leaveSession(shown: ShownForSession, browser: Browser, byUpstream: boolean): Promise<HttpResponse> {
    const command = toLogoutCommand(browser.cookie('session') ?? '', shown);
    return (await this.signOut.ofBrowser(browser, command, shown, { byUpstream })) ?? this.endSession.askAnew(browser);
  }

  /**
   * The cookie decides (docs/threat-model.md#forced-logout): a form says which session it was shown for, not that this
   * browser has it.
   */
  private async leaveEverySession(
    shown: ShownForSession,
    browser: Browser,
    byUpstream: boolean,
  ): Promise<HttpResponse> {
    const session = await browser.session();
    if (session === undefined) return this.signOut.alreadyOver(browser, shown);
    if (session.id !== shown.sessionId) return this.endSession.askAnew(browser);
    const onward = { byUpstream, page: { everywhere: true } };
    return (
      (await this.signOut.ofBrowser(browser, toEverywhereCommand(shown), shown, onward)) ??
      this.endSession.askAnew(browser)
    );
  }

  /** The session continues, with its cookie and every other application in it. */
  private async leaveClient(shown: ShownForSession, browser: Browser): Promise<HttpResponse> {
    const session = await browser.session();
    const client = await this.clientOf(shown);
    if (session?.id !== shown.sessionId || client === undefined) return this.endSession.askAnew(browser);
    const command = toClientLogoutCommand(shown, client.clientId);
    const leftClient = { client: clientView(client), account: accountView(session) };
    return this.signOut.ofApplication(browser, command, shown, { leftClient, leftClientId: client.clientId });
  }

  private async noSessionWasShown(shown: ShownDialog, browser: Browser): Promise<HttpResponse> {
    if ((await browser.session()) !== undefined) return this.endSession.askAnew(browser);
    return this.signOut.alreadyOver(browser, shown);
  }

  /** Declining keeps the session; the application that asked has already ended its own. */
  private async stay(shown: ShownDialog, browser: Browser): Promise<HttpResponse> {
    if (shown.redirectUri !== undefined)
      return leave(browser, appendQuery(shown.redirectUri, [['state', shown.state]]));
    const session = await browser.session();
    if (session === undefined) return this.signOut.alreadyOver(browser, {});
    const client = await this.clientOf(shown);
    return page(renderStillSignedInPage, {
      ...(shown.link === undefined ? {} : linkView(shown.link)),
      account: accountView(session),
      ...(client === undefined ? {} : { client: { ...clientView(client), name: clientName(client) } }),
    });
  }

  private async clientOf({ clientId }: ShownDialog): ReturnType<ClientsService['find']> {
    return clientId === undefined ? undefined : this.clients.find(clientId);
  }
}
