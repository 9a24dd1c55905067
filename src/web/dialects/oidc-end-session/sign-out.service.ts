import { Injectable } from '@nestjs/common';
import { clientName } from '../../../domain/clients/client.js';
import { ClientsService } from '../../../domain/clients/clients.service.js';
import type { LogoutCommand, LogoutOutcome } from '../../../domain/logout/command/logout.js';
import { LogoutService } from '../../../domain/logout/command/logout.service.js';
import { appendQuery } from '../../../platform/oidc/redirect-uri.js';
import type { Browser } from '../../kit/browser.js';
import { leave, type HttpResponse } from '../../kit/http-response.js';
import { keepingCookies } from '../../kit/response.interceptor.js';
import { SignedOutResponses, type SignedOutPage } from '../../signed-out/signed-out-responses.js';
import { inBrowser, linkView, wayOf, type ShownDialog, type ShownForSession } from './end-session.mapper.js';
import { FederatedLogout } from './federated-logout.service.js';

/** How the browser continues after a logout. */
export interface Onward {
  /** By way of the provider that the person signed in with. */
  readonly byUpstream?: boolean;
  /** What the signed-out page says besides. */
  readonly page?: Partial<SignedOutPage>;
}

/** Ends what a person, or the hint of a trusted client, asked for, and sends the browser where it belongs after that. */
@Injectable()
export class SignOut {
  constructor(
    private readonly logoutService: LogoutService,
    private readonly signedOut: SignedOutResponses,
    private readonly federated: FederatedLogout,
    private readonly clients: ClientsService,
  ) {}

  /**
   * Ends the session of this browser, or more than it.
   * @returns undefined when the cookie stands for another session by now, about which the person was not asked
   */
  async ofBrowser(
    browser: Browser,
    command: LogoutCommand,
    shown: ShownForSession,
    onward: Onward = {},
  ): Promise<HttpResponse | undefined> {
    const outcome = await this.logoutService.logout(inBrowser(command, shown));
    if (outcome.kind === 'nothing_to_end' && (await browser.session()) !== undefined) return undefined;
    const after = browser.signedOut();
    return keepingCookies(after, () => this.leave(after, shown, outcome, onward));
  }

  /** Ends what no cookie proves: a session that a hint names on the word of a client that may do so. */
  async withoutBrowser(browser: Browser, command: LogoutCommand, shown: ShownDialog): Promise<HttpResponse> {
    return this.leave(browser, shown, await this.logoutService.logout(command));
  }

  /** One application leaves the session, which continues with its cookie and the others. */
  async ofApplication(
    browser: Browser,
    command: LogoutCommand,
    shown: ShownForSession,
    page: Partial<SignedOutPage>,
  ): Promise<HttpResponse> {
    const outcome = await this.logoutService.logout(inBrowser(command, shown));
    // Frames of session management ask again: the sign-in at one application is not what it was (§3.2 there).
    const after = outcome.kind === 'ended' ? browser.withNewState() : browser;
    // The provider that the person came by is not left: it vouches for the session that continues.
    const { upstream: _upstream, ...way } = shown;
    return keepingCookies(after, () => this.leave(after, way, outcome, { page }));
  }

  /**
   * Nothing is left to end, as a look at storage said. The browser may be back after a 503: what ended this session then
   * must last before an answer says that it is over.
   */
  async alreadyOver(browser: Browser, shown: ShownDialog, onward: Onward = {}): Promise<HttpResponse> {
    if (browser.cookie('session') !== undefined) await this.logoutService.confirm();
    return this.leave(browser, shown, { kind: 'nothing_to_end' }, onward);
  }

  /**
   * The redirect comes after the applications were notified, within the wait budget (RP-Initiated Logout 1.0 §3). By way
   * of the upstream when the person wished so.
   */
  private async leave(
    browser: Browser,
    shown: ShownDialog,
    outcome: LogoutOutcome,
    { byUpstream = false, page = {} }: Onward = {},
  ): Promise<HttpResponse> {
    const { redirectUri, state, link, sessionId } = shown;
    const told = await this.signedOut.told(outcome, sessionId);
    const upstream = await this.upstreamOf(shown, byUpstream);
    const view = { alreadySignedOut: outcome.kind === 'nothing_to_end', ...page };
    if (byUpstream && upstream !== undefined)
      return this.signedOut.page(told, { ...view, upstream }, upstream.url).for(browser);
    if (redirectUri === undefined) {
      const offer = upstream === undefined ? {} : { upstream };
      return this.signedOut
        .page(told, { ...view, ...offer, ...(link === undefined ? {} : linkView(link)) })
        .for(browser);
    }
    const back = appendQuery(redirectUri, [['state', state]]);
    if (!this.signedOut.hasFrames(told)) return leave(browser, back);
    const continueTo = { url: back, clientName: await this.nameOf(shown.clientId) };
    return this.signedOut.page(told, { ...view, continueTo }, back).for(browser);
  }

  /** The logout of the provider that the person came by, where the browser stays here or is to go there. */
  private async upstreamOf(
    shown: ShownDialog,
    byUpstream: boolean,
  ): Promise<{ readonly name: string; readonly url: string } | undefined> {
    const { upstream, accountId, sessionId, redirectUri } = shown;
    if (upstream === undefined || accountId === undefined || sessionId === undefined) return undefined;
    if (redirectUri !== undefined && !byUpstream) return undefined;
    const url = await this.federated.url(upstream, { accountId, sessionId }, byUpstream ? wayOf(shown) : {});
    return url === undefined ? undefined : { name: upstream.displayName, url };
  }

  private async nameOf(clientId: string | undefined): Promise<string> {
    const client = clientId === undefined ? undefined : await this.clients.find(clientId);
    return client === undefined ? '' : clientName(client);
  }
}
