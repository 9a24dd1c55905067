import {
  Body,
  Controller,
  Cookies,
  Get,
  Headers,
  HttpCode,
  Post,
  Query,
  Req,
  Res,
  UseFilters,
  UsePipes,
} from '@nestjs/common';
import { ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import { HOUR } from '../../../platform/clock/durations.js';
import { ClientsService } from '../../../domain/clients/clients.service.js';
import { clientView } from '../../pages/client-view.js';
import { clientName, type Client } from '../../../domain/clients/client.js';
import { ApiPage, ApiSeeOther } from '../../kit/api-errors.js';
import { BrowserIdentity } from '../../kit/browser.js';
import { HttpEdge, type Cookies as CookieJar, type Response } from '../../kit/http-edge.js';
import { Leaving } from '../../kit/leaving.js';
import { PageErrorFilter } from '../../kit/page-error.filter.js';
import { OAuthParametersPipe } from '../../kit/parameters.pipe.js';
import { ResponseWriter } from '../../kit/response-writer.js';
import { Sealer } from '../../../platform/keys/sealer.js';
import { FrontChannelLogout } from '../../../domain/logout/notices/front-channel-logout.service.js';
import type { LogoutCommand, LogoutOutcome } from '../../../domain/logout/command/logout.js';
import { LogoutService } from '../../../domain/logout/command/logout.service.js';
import { appendQuery } from '../../../platform/oidc/redirect-uri.js';
import { renderLogoutConfirmationPage, renderStillSignedInPage } from '../../pages/pages.js';
import type { LogoutConfirmationView } from '../../pages/pages.js';
import { accountView } from '../../pages/session-view.js';
import type { SessionApplication, SignedInSession } from '../../../domain/sessions/session.js';
import { SessionsService } from '../../../domain/sessions/sessions.service.js';
import { SignedOutResponses, type SignedOutPage } from '../../signed-out/signed-out-responses.js';
import { HintVerifier } from '../../../domain/tokens/hint-verifier.js';
import { EndSessionFormDto, EndSessionRequestDto } from './dto/end-session.dto.js';
import {
  hintOf,
  inBrowser,
  mergeParameters,
  toClientLogoutCommand,
  toEndSessionRequest,
  toEverywhereCommand,
  toHeadlessCommand,
  toLogoutCommand,
  toShownDialog,
  type EndSessionRequest,
  withoutLostWayBack,
  type ShownDialog,
  type ShownForSession,
  type UnverifiedLink,
} from './end-session.mapper.js';
import { UpstreamLeg, type WayBack } from './upstream-leg.js';
import { TAG } from './vocabulary.js';

const PATH = '/session/end_session';
const SEALED = 'end-session-dialog';
const DIALOG_TTL_MS = HOUR;

/**
 * RP-Initiated Logout 1.0 with a confirmation dialog, as cidaas documents it (docs/wire/oidc-end-session.md).
 *
 * Decision: the cookie says whose session ends; a hint names the application and may spare the question. It never ends
 * a session by itself: whoever has got hold of an old ID token must not be able to log its owner out
 * (docs/threat-model.md#leaked-hint). In order:
 *
 * 1. The hints are verified; one that fails is used for nothing. Only a hint opens the way back to an application, and
 *    only to a URI that is registered for it to the letter.
 * 2. GET, and a POST that is not the dialog's own form, show the dialog. Nothing has changed by then, so an `<img>` on
 *    a foreign page does no harm (docs/threat-model.md#forced-logout).
 * 3. The dialog's form acts. Its CSRF token belongs to this browser; what it was shown for comes back sealed, so that
 *    nothing is read from form fields twice.
 * 4. The redirect follows whichever way the person decides, after the applications were told (§3): at once, or from a
 *    page whose frames ask those that can only be asked in the browser.
 *
 * @see [RP-Initiated Logout 1.0](https://openid.net/specs/openid-connect-rpinitiated-1_0.html) §2, §3, §4
 */
@ApiTags(TAG)
@Controller('session/end_session')
@UseFilters(PageErrorFilter)
@UsePipes(OAuthParametersPipe)
export class EndSessionController {
  constructor(
    private readonly logoutService: LogoutService,
    private readonly sessions: SessionsService,
    private readonly clients: ClientsService,
    private readonly hints: HintVerifier,
    private readonly leg: UpstreamLeg,
    private readonly signedOut: SignedOutResponses,
    private readonly writer: ResponseWriter,
    private readonly leaving: Leaving,
    private readonly frontChannel: FrontChannelLogout,
    private readonly browsers: BrowserIdentity,
    private readonly sealer: Sealer,
    private readonly edge: HttpEdge,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Logout Endpoint (End-Session)',
    description:
      'Clears the authentication session and its cookie. Opened in a browser. Shows a dialog; nothing ends before the person answers it. A hint is a token that was issued to the application before: it says who asks and proves nothing about who is there. A client registered with `skip_logout_confirmation` is spared the dialog when its ID token hint belongs to the browser’s session; one with `headless_logout` needs no browser, only a hint that is still good. When nobody is signed in and the session of the hint is over, the browser goes on at once.',
  })
  @ApiPage(
    200,
    'The dialog; also when nobody is signed in, which is no error. Without dialog, the signed-out page, where applications have to be asked in the browser.',
  )
  @ApiSeeOther('Without dialog, where the client is spared it: to `post_logout_redirect_uri`.')
  @ApiPage(400, 'A parameter was sent twice. Nothing changed.')
  @ApiPage(500, 'A fault of ours. Nothing changed.')
  @ApiPage(503, 'Storage is away, so nothing is confirmed. Trying again does no harm.')
  async get(
    @Query() query: EndSessionRequestDto,
    @Cookies() cookies: CookieJar,
    @Req() http: { readonly method: string; readonly headers: Readonly<Record<string, string | undefined>> },
    @Res() response: Response,
  ): Promise<void> {
    const mayAct = isNavigation(http);
    await this.ask(query, cookies, response, { mayAct, mayActByHint: mayAct });
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Logout Endpoint (End-Session), by form',
    description:
      'With the parameters of GET it shows the dialog. With the dialog’s own `csrf`, `request` and `decision` it acts.',
  })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiPage(
    200,
    'The dialog, or, once it was answered, the signed-out page with what each application said. It goes on to `post_logout_redirect_uri` by itself when it asks applications in frames.',
  )
  @ApiSeeOther(
    'To `post_logout_redirect_uri` with `state`, whichever way the person decided, for a program. A browser (`Accept: text/html`) gets a page that goes there by itself.',
  )
  @ApiPage(400, 'A parameter was sent twice. Nothing changed.')
  @ApiPage(403, 'The form was not opened in this browser. Nothing changed.')
  @ApiPage(500, 'A fault of ours.')
  @ApiPage(503, 'Storage is away, so nothing is confirmed. Trying again does no harm.')
  async post(
    @Body() form: EndSessionFormDto,
    @Query() query: EndSessionRequestDto,
    @Cookies() cookies: CookieJar,
    @Headers('sec-fetch-site') fetchSite: string | undefined,
    @Headers('accept') accept: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    if (form.decision !== undefined || form.csrf !== undefined || form.request !== undefined) {
      this.leaving.answersForm(response, accept);
      return this.answerDialog(form, cookies, response);
    }
    const parameters = mergeParameters(query, form);
    // A POST from another site comes without our SameSite=Lax cookie; the same request by GET brings it.
    if (fetchSite === 'cross-site') return this.edge.redirect(response, appendQuery(PATH, Object.entries(parameters)));
    return this.ask(parameters, cookies, response, { mayAct: false, mayActByHint: true });
  }

  private async ask(
    parameters: EndSessionRequestDto,
    cookies: CookieJar,
    response: Response,
    { mayAct, mayActByHint } = { mayAct: false, mayActByHint: false },
  ): Promise<void> {
    const found = await this.sessions.findByCookieWithApplications(this.edge.cookie(cookies, 'session'), 'end_session');
    const session = found?.session;
    const request = await this.verify(parameters, session);
    const client = request.clientId === undefined ? undefined : await this.clients.find(request.clientId);
    if (session === undefined && client !== undefined) {
      const shown = toShownDialog(request, undefined);
      const command = mayActByHint ? headlessCommand(request, client) : undefined;
      if (command !== undefined) return this.leave(shown, await this.logoutService.logout(command), response);
      if (await this.leaveByUpstream(shown, request, cookies, response, mayAct)) return;
      if (shown.redirectUri !== undefined && (await this.isOver(request)))
        return this.leave(shown, { kind: 'nothing_to_end' }, response);
    } else if (session === undefined) {
      if (await this.leaveByUpstream(toShownDialog(request, undefined), request, cookies, response, false)) return;
    }
    if (
      session !== undefined &&
      client !== undefined &&
      ((mayAct && (await this.isSparedTheDialog(parameters, request, client, session))) ||
        (mayActByHint && (await this.isSparedByHint(request, client, session))))
    ) {
      const shown = {
        ...toShownDialog(request, session, await this.leg.offerFor(session, {})),
        sessionId: session.id,
        accountId: session.accountId,
      };
      const command = inBrowser(toLogoutCommand(this.cookieOf(cookies), shown), shown);
      const outcome = await this.end(cookies, command, response);
      if (outcome !== undefined) return this.leave(shown, outcome, response);
    }
    await this.showDialog(request, client, session, found?.applications ?? [], cookies, response);
  }

  /**
   * Nobody is signed in any more, and this browser's session was by way of another provider. A server that ended it has
   * sent the browser here to get there: it goes on, where the hint is of that very session. Otherwise the provider's
   * logout is offered where the browser stays.
   */
  private async leaveByUpstream(
    shown: ShownDialog,
    request: EndSessionRequest,
    cookies: CookieJar,
    response: Response,
    mayAct: boolean,
  ): Promise<boolean> {
    const ended = await this.leg.offerForEnded(this.edge.cookie(cookies, 'session'), wayOf(shown));
    if (ended === undefined) return false;
    const { hint } = request;
    const goesOn =
      mayAct &&
      ended.wasOnItsWay &&
      hint?.sid !== undefined &&
      (await this.sessions.isKnownAs(ended.sessionId, hint.clientId, hint.sid));
    if (!goesOn && shown.redirectUri !== undefined) return false;
    const about = { ...shown, sessionId: ended.sessionId, upstream: ended.offer };
    await this.leave(about, { kind: 'nothing_to_end' }, response, goesOn);
    return true;
  }

  private async verify(
    parameters: EndSessionRequestDto,
    session: SignedInSession | undefined,
  ): Promise<EndSessionRequest> {
    const { id_token_hint: idToken, access_token_hint: accessToken } = parameters;
    const hint = hintOf(parameters, {
      idToken: idToken === undefined ? undefined : ((await this.hints.idTokenHint(idToken)) ?? 'invalid'),
      accessToken: accessToken === undefined ? undefined : await this.hints.accessTokenHint(accessToken),
    });
    const clientId = typeof hint === 'object' ? hint.clientId : parameters.client_id;
    const client = clientId === undefined ? undefined : await this.clients.find(clientId);
    return toEndSessionRequest(parameters, hint, client, session);
  }

  /** A first-party switch of the client, and only with an ID token of this very session. */
  private async isSparedTheDialog(
    parameters: EndSessionRequestDto,
    request: EndSessionRequest,
    client: Client,
    session: SignedInSession,
  ): Promise<boolean> {
    const { hint } = request;
    if (!client.metadata.skip_logout_confirmation || parameters.id_token_hint === undefined || hint?.sid === undefined)
      return false;
    return hint.sub === session.accountId && this.sessions.isKnownAs(session.id, client.clientId, hint.sid);
  }

  /** A client whose live hints end sessions is not asked about the session of its own hint either. */
  private async isSparedByHint(request: EndSessionRequest, client: Client, session: SignedInSession): Promise<boolean> {
    const { hint } = request;
    if (headlessCommand(request, client) === undefined || hint?.sid === undefined) return false;
    return hint.sub === session.accountId && this.sessions.isKnownAs(session.id, client.clientId, hint.sid);
  }

  /**
   * Nobody is signed in here, and the session of the hint is over: there is nothing to ask, so the browser goes on.
   * While it goes on elsewhere, a page says what is true here.
   */
  private async isOver({ hint }: EndSessionRequest): Promise<boolean> {
    return hint?.sid !== undefined && !(await this.sessions.isLiveAs(hint.clientId, hint.sid));
  }

  private async showDialog(
    request: EndSessionRequest,
    client: Client | undefined,
    session: SignedInSession | undefined,
    applications: readonly SessionApplication[],
    cookies: CookieJar,
    response: Response,
  ): Promise<void> {
    const upstream = await this.leg.offerFor(session, wayOf(request));
    const nonce = this.edge.newNonce();
    const browserId = this.browsers.ensure(response, cookies);
    const html = renderLogoutConfirmationPage({
      nonce,
      action: PATH,
      csrf: this.browsers.csrfToken(browserId),
      request: this.sealer.seal(SEALED, toShownDialog(request, session, upstream), DIALOG_TTL_MS),
      ...(session === undefined ? {} : { account: accountView(session) }),
      ...(client === undefined ? {} : { client: clientView(client) }),
      ...this.consequences(applications),
      returnsToClient: request.redirectUri !== undefined,
      ...(request.link === undefined ? {} : { linksTo: request.link.clientName }),
      mayLeaveClient: applications.some(({ clientId }) => clientId === client?.clientId),
      ...(upstream === undefined ? {} : { upstream: { name: upstream.displayName } }),
      ...(request.notice === undefined ? {} : { notice: request.notice }),
    });
    this.edge.page(response, html, { nonce });
  }

  /** How many applications will be told or asked, and by name those that cannot be. */
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

  private async answerDialog(form: EndSessionFormDto, cookies: CookieJar, response: Response): Promise<void> {
    this.browsers.checkCsrf(cookies, form.csrf, { url: PATH, label: 'Show the question again' });
    const opened = this.sealer.open<ShownDialog>(SEALED, form.request ?? '');
    // A dialog that was left open too long is shown anew; nothing of the old one is used.
    if (opened === undefined || form.decision === undefined) return this.ask({}, cookies, response);
    const { clientId } = opened;
    const shown = withoutLostWayBack(opened, clientId === undefined ? undefined : await this.clients.find(clientId));
    if (form.decision === 'stay') return this.stay(shown, cookies, response);
    const { sessionId, accountId } = shown;
    if (sessionId === undefined || accountId === undefined) return this.nobodyWasSignedIn(shown, cookies, response);
    const about = { ...shown, sessionId, accountId };
    switch (form.decision) {
      case 'logout':
        return this.signOut(about, toLogoutCommand(this.cookieOf(cookies), about), form, cookies, response);
      case 'everywhere':
        return this.signOut(about, toEverywhereCommand(about), form, cookies, response);
      case 'client':
        return this.leaveClient(about, cookies, response);
    }
  }

  private async signOut(
    shown: ShownForSession,
    command: LogoutCommand,
    form: EndSessionFormDto,
    cookies: CookieJar,
    response: Response,
  ): Promise<void> {
    // The cookie decides (docs/threat-model.md#forced-logout): a form says which session it was shown for, not that
    // this browser has it.
    if (command.target.kind !== 'cookie') {
      const session = await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'));
      if (session !== undefined && session.id !== shown.sessionId) return this.ask({}, cookies, response);
      if (session === undefined) return this.leave(shown, { kind: 'nothing_to_end' }, response);
    }
    const outcome = await this.end(cookies, inBrowser(command, shown), response);
    if (outcome === undefined) return this.ask({}, cookies, response);
    const everywhere = command.target.kind === 'account' ? { everywhere: true } : {};
    return this.leave(shown, outcome, response, form.upstream === 'logout', everywhere);
  }

  /** The session goes on, with its cookie and everybody else in it. */
  private async leaveClient(shown: ShownForSession, cookies: CookieJar, response: Response): Promise<void> {
    const session = await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'));
    const client = shown.clientId === undefined ? undefined : await this.clients.find(shown.clientId);
    if (session?.id !== shown.sessionId || client === undefined) return this.ask({}, cookies, response);
    const command = inBrowser(toClientLogoutCommand(shown, client.clientId), shown);
    const outcome = await this.logoutService.logout(command);
    // Frames of session management ask again: the sign-in at one application is not what it was (§3.2 there).
    if (outcome.kind === 'ended') this.edge.renewBrowserState(response);
    const leftClient = { client: clientView(client), account: accountView(session) };
    // The provider that the person came by is not left: it vouches for the session that goes on.
    const { upstream: _upstream, ...way } = shown;
    return this.leave(way, outcome, response, false, { leftClient, leftClientId: client.clientId });
  }

  /** Undefined: the cookie stands for another session by now, about which the person was not asked. */
  private async end(
    cookies: CookieJar,
    command: LogoutCommand,
    response: Response,
  ): Promise<LogoutOutcome | undefined> {
    const outcome = await this.logoutService.logout(command);
    if (
      outcome.kind === 'nothing_to_end' &&
      (await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'))) !== undefined
    )
      return undefined;
    this.edge.clearCookie(response, 'session');
    return outcome;
  }

  private cookieOf(cookies: CookieJar): string {
    return this.edge.cookie(cookies, 'session') ?? '';
  }

  private async nobodyWasSignedIn(shown: ShownDialog, cookies: CookieJar, response: Response): Promise<void> {
    const session = await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'));
    if (session !== undefined) return this.ask({}, cookies, response);
    return this.leave(shown, { kind: 'nothing_to_end' }, response);
  }

  /**
   * The redirect comes after the applications were told, within the wait budget (RP-Initiated Logout 1.0 §3). By way of
   * the upstream when the person wished so, by `Refresh` as everything that answers a form of ours (`Leaving`).
   */
  private async leave(
    shown: ShownDialog,
    outcome: LogoutOutcome,
    response: Response,
    byUpstream = false,
    page: Partial<SignedOutPage> = {},
  ): Promise<void> {
    const { redirectUri, state, link, upstream, sessionId, clientId } = shown;
    const told = await this.signedOut.told(outcome, sessionId);
    const url =
      upstream === undefined || sessionId === undefined || (redirectUri !== undefined && !byUpstream)
        ? undefined
        : await this.leg.url(upstream, sessionId, byUpstream ? wayOf(shown) : {});
    const offer = url === undefined || upstream === undefined ? {} : { upstream: { name: upstream.displayName, url } };
    const view = { alreadySignedOut: outcome.kind === 'nothing_to_end', ...page };
    if (byUpstream && url !== undefined)
      return this.writer.sendTo(response, this.signedOut.page(told, { ...view, ...offer }, url));
    if (redirectUri === undefined)
      return this.writer.sendTo(
        response,
        this.signedOut.page(told, { ...view, ...offer, ...(link === undefined ? {} : linkView(link)) }),
      );
    const back = appendQuery(redirectUri, [['state', state]]);
    if (!this.signedOut.hasFrames(told)) return this.leaving.to(response, back);
    const client = clientId === undefined ? undefined : await this.clients.find(clientId);
    const continueTo = { url: back, clientName: client === undefined ? '' : clientName(client) };
    return this.writer.sendTo(response, this.signedOut.page(told, { ...view, continueTo }, back));
  }

  /**
   * Declining keeps the session; the application that asked has already ended its own
   * (docs/wire/oidc-end-session.md#decline-redirects).
   */
  private async stay(shown: ShownDialog, cookies: CookieJar, response: Response): Promise<void> {
    if (shown.redirectUri !== undefined)
      return this.leaving.to(response, appendQuery(shown.redirectUri, [['state', shown.state]]));
    const session = await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'));
    if (session === undefined) return this.leave({}, { kind: 'nothing_to_end' }, response);
    const client = shown.clientId === undefined ? undefined : await this.clients.find(shown.clientId);
    const nonce = this.edge.newNonce();
    const html = renderStillSignedInPage({
      nonce,
      ...(shown.link === undefined ? {} : linkView(shown.link)),
      account: accountView(session),
      ...(client === undefined ? {} : { client: { ...clientView(client), name: clientName(client) } }),
    });
    this.edge.page(response, html, { nonce });
  }
}

/** What ends on the word of a hint that is still good, where an administrator allows the client that. */
function headlessCommand({ hint }: EndSessionRequest, client: Client): LogoutCommand | undefined {
  if (!client.metadata.headless_logout || hint?.sid === undefined || hint.expired) return undefined;
  return toHeadlessCommand(client.clientId, hint.sid);
}

/** By way of the upstream too, a link stays a link. */
function wayOf({ redirectUri, state, link }: Pick<ShownDialog, 'redirectUri' | 'state' | 'link'>): WayBack {
  if (link === undefined) return { redirectUri, state };
  return { redirectUri: link.redirectUri, state: link.state, linkTo: link.clientName };
}

function linkView(link: UnverifiedLink): Required<Pick<SignedOutPage, 'continueTo'>> {
  return {
    continueTo: { url: appendQuery(link.redirectUri, [['state', link.state]]), clientName: link.clientName },
  };
}

/** Not HEAD, not an image, not a prefetch: a person went there. */
function isNavigation(http: {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}): boolean {
  const { 'sec-fetch-dest': destination, 'sec-purpose': purpose, purpose: oldPurpose } = http.headers;
  return (
    http.method === 'GET' &&
    (destination === undefined || destination === 'document') &&
    purpose === undefined &&
    oldPurpose === undefined
  );
}
