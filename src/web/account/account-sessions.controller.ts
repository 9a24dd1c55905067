import { Body, Get, HttpCode, Ip, Param, ParseUUIDPipe, Post, Query, UsePipes } from '@nestjs/common';
import { ApiConsumes, ApiCookieAuth, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { clientName } from '../../domain/clients/client.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import type { BoundedTarget } from '../../domain/logout/command/logout.js';
import { LogoutService } from '../../domain/logout/command/logout.service.js';
import { LogoutRecordsService } from '../../domain/logout/termination/logout-records.service.js';
import type { SessionWithClients, SignedInSession } from '../../domain/sessions/session.js';
import { SessionList } from '../../domain/sessions/session-list.js';
import { PATHS } from '../../platform/oidc/endpoints.js';
import { InvalidRequestError } from '../../platform/oidc/errors.js';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { type Browser, CurrentBrowser } from '../kit/browser.js';
import { FormDto } from '../kit/dto/forms.dto.js';
import { formPage, redirect, type HttpResponse } from '../kit/http-response.js';
import { PageController } from '../kit/page-controller.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import { keepingCookies } from '../kit/response.interceptor.js';
import { deviceName, renderSessionsPage } from '../pages/pages.js';
import { accountView } from '../pages/session-view.js';
import type { ApplicationLinkView, SessionView } from '../pages/pages.js';
import { SignedOutResponses } from '../signed-out/signed-out-responses.js';
import { SignInFirst } from './sign-in-first.js';

const PATH = PATHS.sessions;
const SHOWN = 100;
const FLASHES = ['session_ended', 'others_ended', 'nothing_to_end'] as const;
type Flash = (typeof FLASHES)[number];

/**
 * The signed-in person's own sessions. No other account's can be named: the account comes from the cookie
 * (docs/threat-model.md#other-peoples-sessions).
 */
@ApiTags('Own sessions')
@ApiCookieAuth('session')
@PageController(PATH)
export class AccountSessionsController {
  constructor(
    private readonly sessions: SessionList,
    private readonly clients: ClientsService,
    private readonly logoutService: LogoutService,
    private readonly records: LogoutRecordsService,
    private readonly signedOut: SignedOutResponses,
    private readonly signInFirst: SignInFirst,
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
    @CurrentBrowser() browser: Browser,
    @Query('done') done: string | undefined,
    @Ip() address: string,
  ): Promise<HttpResponse> {
    const session = await browser.session();
    if (session === undefined) return this.signInFirst.respond(browser, address);
    const { items } = await this.sessions.list({ accountId: session.accountId, limit: SHOWN });
    const flash = FLASHES.find((known) => known === done);
    const [names, cannotTell] = await Promise.all([
      this.namesOf(items),
      flash === undefined || flash === 'nothing_to_end' ? [] : this.notNotifiedOf(session.accountId),
    ]);
    return formPage(browser, renderSessionsPage, {
      account: accountView(session),
      endOthersAction: `${PATH}/end-others`,
      signOutUrl: PATHS.endSession,
      applicationsUrl: PATHS.applications,
      sessions: items.map((item) => sessionView(item, session, names)),
      ...(flash === undefined ? {} : { flash, cannotTell }),
    });
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
    @CurrentBrowser() browser: Browser,
  ): Promise<HttpResponse> {
    return this.end(form, browser, 'session_ended', (session) => ({
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
  async endOthers(@Body() form: FormDto, @CurrentBrowser() browser: Browser): Promise<HttpResponse> {
    return this.end(form, browser, 'others_ended', (session) => ({
      kind: 'account',
      accountId: session.accountId,
      exceptSessionId: session.id,
    }));
  }

  /** Of what this person has ended last: the applications in it that cannot be notified. */
  private async notNotifiedOf(accountId: string): Promise<ApplicationLinkView[]> {
    const { items } = await this.records.listTerminations({ limit: 1, accountId, cause: 'self_service' });
    const notNotified = (items[0]?.withoutNotice ?? []).filter(({ state }) => state === 'not_told');
    const clients = await this.clients.findEvenDeleted([...new Set(notNotified.map(({ client_id: id }) => id))]);
    return [...clients.values()].map((client) => {
      const url = client.metadata.client_uri;
      return { name: clientName(client), ...(url === undefined ? {} : { url }) };
    });
  }

  private async end(
    form: FormDto,
    sent: Browser,
    flash: Flash,
    targetOf: (session: SignedInSession) => BoundedTarget,
  ): Promise<HttpResponse> {
    const browser = sent.submitted(form.csrf, { url: PATH, label: 'Show the list again' });
    const session = await browser.session();
    if (session === undefined) return redirect(PATH);
    const target = targetOf(session);
    const isThisBrowser = target.kind === 'account-session' && target.sessionId === session.id;
    const outcome = await this.logoutService.logout({
      target,
      cause: 'self_service',
      initiator: { kind: 'user', accountId: session.accountId },
      ...(isThisBrowser ? { browserSessionId: session.id } : {}),
    });
    if (outcome.kind !== 'ended' || !isThisBrowser)
      return redirect(`${PATH}?done=${outcome.kind === 'ended' ? flash : 'nothing_to_end'}`);
    // The session of this very browser: its applications are shown here too, as after `end_session`.
    const left = browser.signedOut();
    return keepingCookies(left, async () => {
      const told = await this.signedOut.told(outcome, session.id);
      return this.signedOut.page(told, { alreadySignedOut: false }).for(left);
    });
  }

  private async namesOf(sessions: readonly SessionWithClients[]): Promise<Map<string, string>> {
    const ids = [...new Set(sessions.flatMap((session) => session.clients.map((client) => client.clientId)))];
    const clients = await this.clients.findEvenDeleted(ids);
    return new Map([...clients].map(([clientId, client]) => [clientId, clientName(client)]));
  }
}

function sessionView(item: SessionWithClients, own: SignedInSession, names: ReadonlyMap<string, string>): SessionView {
  return {
    id: item.id,
    endAction: `${PATH}/${item.id}/end`,
    current: item.id === own.id,
    device: deviceName(item.userAgent ?? undefined),
    ...(item.address === null ? {} : { address: item.address }),
    signedInAt: item.authenticatedAt,
    lastSeenAt: item.lastSeenAt,
    applications: item.clients.map((client) => names.get(client.clientId) ?? client.clientId),
  };
}
