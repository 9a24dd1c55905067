import {
  Body,
  Controller,
  Cookies,
  Get,
  HttpCode,
  Ip,
  Param,
  ParseUUIDPipe,
  Post,
  Query,
  Res,
  UseFilters,
  UsePipes,
} from '@nestjs/common';
import { ApiConsumes, ApiCookieAuth, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { FormDto } from '../authorize/dto/interaction-forms.dto.js';
import { InteractionsService } from '../../domain/interactions/interactions.service.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { clientName } from '../../domain/clients/client.js';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { BrowserIdentity } from '../kit/browser.js';
import { HttpEdge, type Cookies as CookieJar, type Response } from '../kit/http-edge.js';
import { PageErrorFilter } from '../kit/page-error.filter.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import type { LogoutOutcome, LogoutTarget } from '../../domain/logout/command/logout.js';
import { LogoutRecordsService } from '../../domain/logout/termination/logout-records.service.js';
import { LogoutService } from '../../domain/logout/command/logout.service.js';
import { InvalidRequestError } from '../../platform/oidc/errors.js';
import { deviceName, renderSessionsPage } from '../pages/pages.js';
import type { ApplicationLinkView, SessionsView } from '../pages/views.js';
import { accountView } from '../pages/session-view.js';
import type { SessionWithClients, SignedInSession } from '../../domain/sessions/session.js';
import { SessionsService } from '../../domain/sessions/sessions.service.js';
import { SignedOutAnswer } from '../signed-out/signed-out-answer.js';

const PATH = '/account/sessions';
const SHOWN = 100;
const FLASHES = ['session_ended', 'others_ended', 'nothing_to_end'] as const;
type Flash = (typeof FLASHES)[number];

/**
 * The signed-in person's own sessions. Nobody else's can be named: the account comes from the cookie
 * (docs/threat-model.md#other-peoples-sessions).
 */
@ApiTags('Own sessions')
@ApiCookieAuth('session')
@Controller('account/sessions')
@UseFilters(PageErrorFilter)
export class AccountSessionsController {
  constructor(
    private readonly sessions: SessionsService,
    private readonly clients: ClientsService,
    private readonly logoutService: LogoutService,
    private readonly records: LogoutRecordsService,
    private readonly interactions: InteractionsService,
    private readonly signedOut: SignedOutAnswer,
    private readonly browsers: BrowserIdentity,
    private readonly edge: HttpEdge,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'Your devices' })
  @ApiQuery({ name: 'done', required: false, enum: FLASHES, description: 'What has just been done.' })
  @ApiPage(200, 'The list of sessions.')
  @ApiSeeOther('To sign in first.')
  @ApiPage(429, 'Too many sign-ins were begun from this address; `Retry-After` says when to come back.')
  @ApiPage(503, 'Storage is away.')
  async show(
    @Cookies() cookies: CookieJar,
    @Query('done') done: string | undefined,
    @Ip() address: string,
    @Res() response: Response,
  ): Promise<void> {
    const session = await this.current(cookies);
    const browserId = this.browsers.ensure(response, cookies);
    if (session === undefined) return this.signInFirst(browserId, address, response);
    const { items } = await this.sessions.list({ accountId: session.accountId, limit: SHOWN });
    const flash = FLASHES.find((known) => known === done);
    const [names, cannotTell] = await Promise.all([
      this.namesOf(items),
      flash === undefined || flash === 'nothing_to_end' ? [] : this.notToldOf(session.accountId),
    ]);
    const nonce = this.edge.newNonce();
    const view: SessionsView = {
      nonce,
      csrf: this.browsers.csrfToken(browserId),
      account: accountView(session),
      endOthersAction: `${PATH}/end-others`,
      signOutUrl: '/session/end_session',
      applicationsUrl: '/account/applications',
      sessions: items.map((item) => ({
        id: item.id,
        endAction: `${PATH}/${item.id}/end`,
        current: item.id === session.id,
        device: deviceName(item.userAgent ?? undefined),
        ...(item.address === null ? {} : { address: item.address }),
        signedInAt: item.authenticatedAt,
        lastSeenAt: item.lastSeenAt,
        applications: item.clients.map((client) => names.get(client.clientId) ?? client.clientId),
      })),
      ...(flash === undefined ? {} : { flash, cannotTell }),
    };
    this.edge.page(response, renderSessionsPage(view), { nonce });
  }

  @Post(':id/end')
  @HttpCode(303)
  @UsePipes(OAuthParametersPipe)
  @ApiOperation({ summary: 'End one of your sessions' })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiSeeOther('Back to the list.')
  @ApiPage(200, 'The signed-out page, when it was the session of this browser.')
  @ApiPage(400, 'That is no session.')
  @ApiPage(403, 'The form was not opened in this browser. Nothing changed.')
  @ApiPage(503, 'Storage is away, so nothing is confirmed. Trying again does no harm.')
  async endOne(
    @Param('id', new ParseUUIDPipe({ exceptionFactory: () => new InvalidRequestError('That is no session.') }))
    sessionId: string,
    @Body() form: FormDto,
    @Cookies() cookies: CookieJar,
    @Res() response: Response,
  ): Promise<void> {
    await this.end(form, cookies, response, 'session_ended', (session) => ({
      kind: 'account-session',
      accountId: session.accountId,
      sessionId,
    }));
  }

  @Post('end-others')
  @HttpCode(303)
  @UsePipes(OAuthParametersPipe)
  @ApiOperation({
    summary: 'End all your other sessions',
    description: 'Also what applications were allowed to do while you are away.',
  })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiSeeOther('Back to the list.')
  @ApiPage(403, 'The form was not opened in this browser. Nothing changed.')
  @ApiPage(503, 'Storage is away, so nothing is confirmed. Trying again does no harm.')
  async endOthers(@Body() form: FormDto, @Cookies() cookies: CookieJar, @Res() response: Response): Promise<void> {
    await this.end(form, cookies, response, 'others_ended', (session) => ({
      kind: 'account',
      accountId: session.accountId,
      exceptSessionId: session.id,
    }));
  }

  /** Of what this person has ended last: the applications in it that cannot be told. */
  private async notToldOf(accountId: string): Promise<ApplicationLinkView[]> {
    const { items } = await this.records.listTerminations({ limit: 1, accountId, cause: 'self_service' });
    const notTold = (items[0]?.withoutNotice ?? []).filter(({ state }) => state === 'not_told');
    const clients = await this.clients.findEvenDeleted([...new Set(notTold.map(({ client_id: id }) => id))]);
    return [...clients.values()].map((client) => {
      const url = client.metadata.client_uri;
      return { name: clientName(client), ...(url === undefined ? {} : { url }) };
    });
  }

  private current(cookies: CookieJar): Promise<SignedInSession | undefined> {
    return this.sessions.findByCookie(this.edge.cookie(cookies, 'session'));
  }

  private async signInFirst(browserId: string, address: string, response: Response): Promise<void> {
    const id = await this.interactions.begin(undefined, this.browsers.hash(browserId), address);
    this.edge.redirect(response, `/interaction/${id}`);
  }

  private async end(
    form: FormDto,
    cookies: CookieJar,
    response: Response,
    flash: Flash,
    targetOf: (session: SignedInSession) => LogoutTarget,
  ): Promise<void> {
    this.browsers.checkCsrf(cookies, form.csrf, { url: PATH, label: 'Show the list again' });
    const session = await this.current(cookies);
    if (session === undefined) return this.edge.redirect(response, PATH);
    const target = targetOf(session);
    const isThisBrowser = target.kind === 'account-session' && target.sessionId === session.id;
    const outcome = await this.logoutService.logout({
      target,
      cause: 'self_service',
      initiator: { kind: 'user', accountId: session.accountId },
      ...(isThisBrowser ? { browserSessionId: session.id } : {}),
    });
    if (outcome.kind === 'ended' && isThisBrowser) return this.leave(session.id, outcome, response);
    this.edge.redirect(response, `${PATH}?done=${outcome.kind === 'ended' ? flash : 'nothing_to_end'}`);
  }

  /** The session of this very browser: its applications are told here too, as after `end_session`. */
  private async leave(sessionId: string, outcome: LogoutOutcome, response: Response): Promise<void> {
    this.edge.clearCookie(response, 'session');
    this.signedOut.show(response, await this.signedOut.told(outcome, sessionId), { alreadySignedOut: false });
  }

  private async namesOf(sessions: readonly SessionWithClients[]): Promise<Map<string, string>> {
    const ids = [...new Set(sessions.flatMap((session) => session.clients.map((client) => client.clientId)))];
    const clients = await this.clients.findEvenDeleted(ids);
    return new Map([...clients].map(([clientId, client]) => [clientId, clientName(client)]));
  }
}
