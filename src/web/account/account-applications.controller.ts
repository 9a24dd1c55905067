import { Body, Controller, Cookies, Get, HttpCode, Ip, Post, Query, Res, UseFilters, UsePipes } from '@nestjs/common';
import { ApiConsumes, ApiCookieAuth, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { ConsentWithdrawal } from '../../domain/lifecycle/consent-withdrawal.service.js';
import { ConsentsService, type Consent } from '../../domain/consents/consents.service.js';
import { scopeWords } from '../authorize/scope-words.js';
import { InteractionsService } from '../../domain/interactions/interactions.service.js';
import { clientName, type Client } from '../../domain/clients/client.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { BrowserIdentity } from '../kit/browser.js';
import { HttpEdge, type Cookies as CookieJar, type Response } from '../kit/http-edge.js';
import { PageErrorFilter } from '../kit/page-error.filter.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import { renderApplicationsPage } from '../pages/pages.js';
import type { ApplicationView } from '../pages/views.js';
import { accountView } from '../pages/session-view.js';
import type { SignedInSession } from '../../domain/sessions/session.js';
import { SessionsService } from '../../domain/sessions/sessions.service.js';
import { WithdrawConsentFormDto } from './dto/withdraw-consent-form.dto.js';

const PATH = '/account/applications';
const FLASHES = ['withdrawn', 'nothing_to_withdraw'] as const;

/** What the signed-in person allowed applications. The account comes from the cookie, so nobody else's can be named. */
@ApiTags('Own sessions')
@ApiCookieAuth('session')
@Controller('account/applications')
@UseFilters(PageErrorFilter)
export class AccountApplicationsController {
  constructor(
    private readonly sessions: SessionsService,
    private readonly clients: ClientsService,
    private readonly consents: ConsentsService,
    private readonly withdrawal: ConsentWithdrawal,
    private readonly interactions: InteractionsService,
    private readonly browsers: BrowserIdentity,
    private readonly edge: HttpEdge,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'Applications you allowed to use your account' })
  @ApiQuery({ name: 'done', required: false, enum: FLASHES, description: 'What has just been done.' })
  @ApiPage(200, 'The list of applications.')
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
    const consents = await this.consents.list(session.accountId);
    const clients = await this.clients.findEvenDeleted(consents.map(({ clientId }) => clientId));
    const nonce = this.edge.newNonce();
    const flash = FLASHES.find((known) => known === done);
    const html = renderApplicationsPage({
      nonce,
      csrf: this.browsers.csrfToken(browserId),
      account: accountView(session),
      withdrawAction: `${PATH}/withdraw`,
      sessionsUrl: '/account/sessions',
      applications: consents.flatMap((consent) => applicationView(consent, clients.get(consent.clientId))),
      ...(flash === undefined ? {} : { flash }),
    });
    this.edge.page(response, html, { nonce });
  }

  @Post('withdraw')
  @HttpCode(303)
  @UsePipes(OAuthParametersPipe)
  @ApiOperation({
    summary: 'Take back what you allowed an application',
    description: 'Also what it was allowed to do while you are away. You stay signed in here.',
  })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiSeeOther('Back to the list.')
  @ApiPage(400, 'No application was named. Nothing changed.')
  @ApiPage(403, 'The form was not opened in this browser. Nothing changed.')
  @ApiPage(503, 'Storage is away, so nothing is confirmed. Trying again does no harm.')
  async withdraw(
    @Body() form: WithdrawConsentFormDto,
    @Cookies() cookies: CookieJar,
    @Res() response: Response,
  ): Promise<void> {
    this.browsers.checkCsrf(cookies, form.csrf, { url: PATH, label: 'Show the list again' });
    const session = await this.current(cookies);
    if (session === undefined) return this.edge.redirect(response, PATH);
    const outcome = await this.withdrawal.withdraw(session.accountId, form.client_id, {
      kind: 'user',
      accountId: session.accountId,
    });
    this.edge.redirect(response, `${PATH}?done=${outcome.kind === 'not_given' ? 'nothing_to_withdraw' : 'withdrawn'}`);
  }

  private current(cookies: CookieJar): Promise<SignedInSession | undefined> {
    return this.sessions.findByCookie(this.edge.cookie(cookies, 'session'));
  }

  private async signInFirst(browserId: string, address: string, response: Response): Promise<void> {
    const id = await this.interactions.begin(undefined, this.browsers.hash(browserId), address);
    this.edge.redirect(response, `/interaction/${id}`);
  }
}

/** Nothing is left to take back of an application that is gone. */
function applicationView(consent: Consent, client: Client | undefined): ApplicationView[] {
  if (client === undefined || client.deletedAt !== null) return [];
  return [
    {
      clientId: consent.clientId,
      client: { name: clientName(client) },
      scopes: scopeWords(consent.scope, consent.claims),
      grantedAt: consent.grantedAt,
    },
  ];
}
