import { Body, Get, HttpCode, Ip, Post, Query, UsePipes } from '@nestjs/common';
import { ApiConsumes, ApiCookieAuth, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { clientName, type Client } from '../../domain/clients/client.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import type { Consent } from '../../domain/consents/consent.js';
import { ConsentsService } from '../../domain/consents/consents.service.js';
import { ConsentWithdrawal } from '../../domain/lifecycle/consent-withdrawal.service.js';
import { PATHS } from '../../platform/oidc/endpoints.js';
import { scopeWords } from '../authorize/scope-words.js';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { type Browser, CurrentBrowser } from '../kit/browser.js';
import { formPage, redirect, type HttpResponse } from '../kit/http-response.js';
import { PageController } from '../kit/page-controller.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import { renderApplicationsPage } from '../pages/pages.js';
import { accountView } from '../pages/session-view.js';
import type { ApplicationView } from '../pages/pages.js';
import { WithdrawConsentFormDto } from './dto/withdraw-consent-form.dto.js';
import { SignInFirst } from './sign-in-first.js';

const FLASHES = ['withdrawn', 'nothing_to_withdraw'] as const;

/** What the signed-in person allowed applications. The account comes from the cookie, so no other can be named. */
@ApiTags('Own sessions')
@ApiCookieAuth('session')
@PageController(PATHS.applications)
export class AccountApplicationsController {
  constructor(
    private readonly clients: ClientsService,
    private readonly consents: ConsentsService,
    private readonly withdrawal: ConsentWithdrawal,
    private readonly signInFirst: SignInFirst,
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
    @CurrentBrowser() browser: Browser,
    @Query('done') done: string | undefined,
    @Ip() address: string,
  ): Promise<HttpResponse> {
    const session = await browser.session();
    if (session === undefined) return this.signInFirst.respond(browser, address);
    const consents = await this.consents.list(session.accountId);
    const clients = await this.clients.findEvenDeleted(consents.map(({ clientId }) => clientId));
    return formPage(browser, renderApplicationsPage, {
      account: accountView(session),
      withdrawAction: `${PATHS.applications}/withdraw`,
      sessionsUrl: PATHS.sessions,
      applications: consents.flatMap((consent) => applicationView(consent, clients.get(consent.clientId))),
      flash: FLASHES.find((known) => known === done),
    });
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
  async withdraw(@Body() form: WithdrawConsentFormDto, @CurrentBrowser() sent: Browser): Promise<HttpResponse> {
    const browser = sent.submitted(form.csrf, { url: PATHS.applications, label: 'Show the list again' });
    const session = await browser.session();
    if (session === undefined) return redirect(PATHS.applications);
    const outcome = await this.withdrawal.withdraw(session.accountId, form.client_id, {
      kind: 'user',
      accountId: session.accountId,
    });
    const done = outcome.kind === 'not_given' ? 'nothing_to_withdraw' : 'withdrawn';
    return redirect(`${PATHS.applications}?done=${done}`);
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
