import { Body, Controller, Get, Headers, HttpCode, Ip, Post, Query, UseFilters, UseInterceptors } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import { targetOf } from '../../domain/interactions/authorization-request.js';
import { AuthorizationService } from '../../domain/interactions/authorization.service.js';
import { InteractionsService } from '../../domain/interactions/interactions.service.js';
import { interactionPath, PATHS } from '../../platform/oidc/endpoints.js';
import { appendQuery } from '../../platform/oidc/redirect-uri.js';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { type Browser, CurrentBrowser } from '../kit/browser.js';
import { redirect, type HttpResponse } from '../kit/http-response.js';
import { ReadsItsOwnParameters } from '../kit/request.guard.js';
import { keepingCookies, ResponseInterceptor } from '../kit/response.interceptor.js';
import { AuthorizationError } from './authorization-error.js';
import { ApiAuthorizationQuery, authorizationForm } from './authorization-parameters.js';
import { AuthorizationRequestParser, type RawParameters } from './authorization-request.parser.js';
import { AuthorizationResponses } from './authorization-responses.js';
import { InteractionErrorFilter } from './interaction-error.filter.js';

/**
 * The authorization endpoint (OpenID Connect Core 1.0 §3.1.2). No CORS header ever (RFC 9700 §2.6).
 *
 * 1. Client and redirect URI are checked first; until they are good nothing leads away from here.
 * 2. Whatever else is wrong goes to the client by redirect.
 * 3. What can be answered silently is; otherwise an interaction begins, bound to this browser.
 */
@ApiTags('Sign-in')
@Controller(PATHS.authorization)
@UseFilters(InteractionErrorFilter)
@UseInterceptors(ResponseInterceptor)
@ReadsItsOwnParameters()
export class AuthorizeController {
  constructor(
    private readonly parser: AuthorizationRequestParser,
    private readonly authorization: AuthorizationService,
    private readonly interactions: InteractionsService,
    private readonly responses: AuthorizationResponses,
  ) {}

  @Get()
  @HttpCode(303)
  @ApiOperation({
    summary: 'Sign a person in to an application',
    description: 'Opened in a browser. Authorization code flow with PKCE.',
  })
  @ApiAuthorizationQuery()
  @ApiSeeOther('To the sign-in or consent page, or back to the application with `code` or `error`, always with `iss`.')
  @ApiPage(200, 'With `response_mode=form_post`: a page that posts the answer to the application.')
  @ApiPage(
    400,
    'The application or its redirect URI is not registered: a page for the person, never a redirect. Also a wrong request of an application that registered itself, with a link.',
  )
  @ApiPage(429, 'Too many sign-ins were begun from this address; `Retry-After` says when to come back.')
  @ApiPage(503, 'Storage is away.')
  get(@Query() query: RawParameters, @CurrentBrowser() browser: Browser, @Ip() address: string): Promise<HttpResponse> {
    return this.authorize(query, browser, address);
  }

  @Post()
  @HttpCode(303)
  @ApiOperation({
    summary: 'Sign a person in to an application (form)',
    description: 'The parameters of GET in a form body (Core §3.1.2.1).',
  })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiBody({ schema: authorizationForm(['client_id']) })
  @ApiSeeOther('As GET.')
  @ApiPage(200, 'As GET.')
  @ApiPage(400, 'As GET.')
  @ApiPage(429, 'As GET.')
  @ApiPage(503, 'As GET.')
  async post(
    @Body() body: RawParameters | undefined,
    @CurrentBrowser() browser: Browser,
    @Headers('sec-fetch-site') fetchSite: string | undefined,
    @Ip() address: string,
  ): Promise<HttpResponse> {
    const parameters = body ?? {};
    // A POST from another site comes without our SameSite=Lax cookie; the same request by GET brings it.
    const single = Object.entries(parameters).every(([, value]) => typeof value === 'string');
    if (fetchSite === 'cross-site' && single)
      return redirect(appendQuery(PATHS.authorization, Object.entries(parameters as Record<string, string>)));
    return this.authorize(parameters, browser, address);
  }

  private async authorize(raw: RawParameters, browser: Browser, address: string): Promise<HttpResponse> {
    try {
      const { client, request } = await this.parser.parse(raw);
      const session = await browser.session(client.clientId);
      const response = await this.authorization.respondAtOnce(client, request, session);
      if (response?.kind === 'code') return this.responses.code(browser, targetOf(request), response.code);
      if (response !== undefined)
        return this.responses.error(browser, targetOf(request), response.code, response.description);
      const known = browser.identified();
      return await keepingCookies(known, async () => {
        const id = await this.interactions.begin({ kind: 'authorize', request }, known.idHash, address);
        return redirect(interactionPath(id)).for(known);
      });
    } catch (error) {
      if (!(error instanceof AuthorizationError)) throw error;
      const { client, target, code, description } = error;
      return (await this.authorization.isHeldBack(client, code, browser))
        ? this.responses.heldBackError(browser, target, code, description)
        : this.responses.error(browser, target, code, description);
    }
  }
}
