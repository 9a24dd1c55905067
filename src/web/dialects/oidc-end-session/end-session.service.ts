import { Injectable } from '@nestjs/common';
import type { Client } from '../../../domain/clients/client.js';
import type { SignedInSession } from '../../../domain/sessions/session.js';
import { SessionsService } from '../../../domain/sessions/sessions.service.js';
import type { Browser } from '../../kit/browser.js';
import type { HttpResponse } from '../../kit/http-response.js';
import type { EndSessionRequestDto } from './dto/end-session.dto.js';
import { EndSessionRequests, type VerifiedRequest } from './end-session-requests.service.js';
import {
  headlessCommand,
  toLogoutCommand,
  toShownDialog,
  wayOf,
  type EndSessionRequest,
  type ShownDialog,
} from './end-session.mapper.js';
import { FederatedLogout } from './federated-logout.service.js';
import { LogoutDialog } from './logout-dialog.service.js';
import { SignOut } from './sign-out.service.js';
import { END_SESSION } from './vocabulary.js';

/** What a request may do without asking the person. */
export interface Permission {
  /** The browser came here by itself, so its cookie may act. */
  readonly mayAct: boolean;
  /** A hint may act, of a client that is allowed that. */
  readonly mayActByHint: boolean;
}

/**
 * What becomes of an end-session request: the dialog, unless there is nothing to ask or the client's registration spares
 * the question.
 *
 * Decision: the cookie says whose session ends; a hint names the application and may spare the question. It ends no session
 * by itself: a finder of an old ID token must not be able to log its owner out (docs/threat-model.md#leaked-hint).
 */
@Injectable()
export class EndSessionService {
  constructor(
    private readonly requests: EndSessionRequests,
    private readonly sessions: SessionsService,
    private readonly dialog: LogoutDialog,
    private readonly signOut: SignOut,
    private readonly federated: FederatedLogout,
  ) {}

  /** The response to a request that is not the dialog's own form. */
  async ask(parameters: EndSessionRequestDto, browser: Browser, permission: Permission): Promise<HttpResponse> {
    const found = await browser.sessionWithApplications(END_SESSION.name);
    const session = found?.session;
    const verified = await this.requests.verify(parameters, session);
    const unasked =
      session === undefined
        ? await this.signedOutAlready(verified, browser, permission)
        : await this.sparedTheDialog(verified, session, browser, permission);
    return unasked ?? this.dialog.show(verified, session, found?.applications ?? [], browser);
  }

  /** The dialog for the session that this browser has by now, whatever was asked before. */
  askAnew(browser: Browser): Promise<HttpResponse> {
    return this.ask({}, browser, { mayAct: false, mayActByHint: false });
  }

  /** No person is signed in here. Undefined: the dialog says so. */
  private async signedOutAlready(
    { request, client }: VerifiedRequest,
    browser: Browser,
    { mayAct, mayActByHint }: Permission,
  ): Promise<HttpResponse | undefined> {
    const shown = toShownDialog(request, undefined);
    if (client === undefined) return this.leaveByUpstream(shown, request, browser, false);
    const command = mayActByHint ? headlessCommand(request, client) : undefined;
    if (command !== undefined) return this.signOut.withoutBrowser(browser, command, shown);
    const byUpstream = await this.leaveByUpstream(shown, request, browser, mayAct);
    if (byUpstream !== undefined) return byUpstream;
    return shown.redirectUri !== undefined && (await this.isOver(request))
      ? this.signOut.alreadyOver(browser, shown)
      : undefined;
  }

  /**
   * This browser's session is over, and was by way of another provider. A server that ended it has sent the browser here
   * to get there: it continues, where the hint is of that very session. Otherwise the provider's logout is offered where
   * the browser stays.
   */
  private async leaveByUpstream(
    shown: ShownDialog,
    { hint }: EndSessionRequest,
    browser: Browser,
    mayAct: boolean,
  ): Promise<HttpResponse | undefined> {
    const ended = await this.federated.offerForEnded(browser.cookie('session'), wayOf(shown));
    if (ended === undefined) return undefined;
    const continues =
      mayAct &&
      ended.wasOnItsWay &&
      hint?.sid !== undefined &&
      (await this.sessions.isKnownAs(ended, hint.clientId, hint.sid));
    if (!continues && shown.redirectUri !== undefined) return undefined;
    const about = { ...shown, accountId: ended.accountId, sessionId: ended.sessionId, upstream: ended.offer };
    return this.signOut.alreadyOver(browser, about, { byUpstream: continues });
  }

  /** Undefined: the person has to be asked. */
  private async sparedTheDialog(
    verified: VerifiedRequest,
    session: SignedInSession,
    browser: Browser,
    permission: Permission,
  ): Promise<HttpResponse | undefined> {
    const { request, client } = verified;
    if (client === undefined || !(await this.isSparedTheDialog(verified, client, session, permission)))
      return undefined;
    const shown = {
      ...toShownDialog(request, session, await this.federated.offerFor(session, {})),
      sessionId: session.id,
      accountId: session.accountId,
    };
    return this.signOut.ofBrowser(browser, toLogoutCommand(browser.cookie('session') ?? '', shown), shown);
  }

  /**
   * A first-party switch of the client, with an ID token of this very session. A client whose live hints end sessions is
   * not asked about the session of its own hint either.
   */
  private async isSparedTheDialog(
    { request, byIdToken }: VerifiedRequest,
    client: Client,
    session: SignedInSession,
    { mayAct, mayActByHint }: Permission,
  ): Promise<boolean> {
    const { hint } = request;
    const bySwitch = mayAct && byIdToken && client.metadata.skip_logout_confirmation;
    const byHint = mayActByHint && headlessCommand(request, client) !== undefined;
    if (!(bySwitch || byHint) || hint?.sid === undefined) return false;
    const key = { accountId: session.accountId, sessionId: session.id };
    return hint.sub === session.accountId && this.sessions.isKnownAs(key, client.clientId, hint.sid);
  }

  /**
   * No person is signed in here, and the session of the hint is over: there is nothing to ask, so the browser continues.
   * While the session continues elsewhere, a page says what is true here.
   */
  private async isOver({ hint }: EndSessionRequest): Promise<boolean> {
    return hint?.sid !== undefined && !(await this.sessions.isLiveAs(hint.sub, hint.clientId, hint.sid));
  }
}
