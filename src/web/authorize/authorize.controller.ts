import { Body, Controller, Cookies, Get, Headers, HttpCode, Ip, Post, Query, Res, UseFilters } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { isUnverified } from '../../domain/clients/client.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { BrowserIdentity } from '../kit/browser.js';
import { HttpEdge, type Cookies as CookieJar, type Response } from '../kit/http-edge.js';
import { PageErrorFilter } from '../kit/page-error.filter.js';
import { ReadsItsOwnParameters } from '../kit/request.guard.js';
import { appendQuery } from '../../platform/oidc/redirect-uri.js';
import { SessionsService } from '../../domain/sessions/sessions.service.js';
import { AuthorizationAnswer } from './authorization-answer.js';
import { AuthorizationError, AuthorizationRequestParser, type RawParameters } from './authorization-request.parser.js';
import { AuthorizationService } from '../../domain/interactions/authorization.service.js';
import { targetOf } from '../../domain/interactions/authorization-request.js';
import { ConsentsService } from '../../domain/consents/consents.service.js';
import { InteractionsService } from '../../domain/interactions/interactions.service.js';

const PARAMETERS: ReadonlyArray<readonly [name: string, required: boolean, description: string, example: string]> = [
  ['client_id', true, 'The application.', 'ledger'],
  ['response_type', true, '`code` is what is offered.', 'code'],
  [
    'redirect_uri',
    false,
    'Exactly as registered; may be left out when only one is.',
    'https://ledger.example.com/callback',
  ],
  ['scope', false, 'Space-delimited; `openid` for an ID token. Unknown scopes are ignored.', 'openid profile'],
  ['state', false, 'Comes back byte for byte.', 'af0ifjsldkj'],
  ['nonce', false, 'Goes into the ID token.', 'n-0S6_WzA2Mj'],
  [
    'code_challenge',
    false,
    'S256 challenge (RFC 7636); required of public clients.',
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  ],
  ['code_challenge_method', false, '`S256`.', 'S256'],
  ['response_mode', false, '`query` or `form_post`.', 'query'],
  ['prompt', false, '`none`, `login`, `consent`, `select_account`.', 'login'],
  ['max_age', false, 'Seconds since the person last proved who they are.', '3600'],
  ['login_hint', false, 'Filled into the sign-in form.', 'mia@example.com'],
  ['id_token_hint', false, 'Whom the application expects.', 'eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln'],
  [
    'claims',
    false,
    'Single claims (OpenID Connect Core 1.0 §5.5), as JSON.',
    '{"userinfo":{"name":{"essential":true}}}',
  ],
  [
    'request',
    false,
    'The parameters as a JWT that the client signed (OpenID Connect Core 1.0 §6.1); they go before those beside it.',
    'eyJhbGciOiJFUzI1NiJ9.eyJzdGF0ZSI6IngifQ.c2ln',
  ],
  ['acr_values', false, 'Taken as a wish.', 'urn:exeunt:acr:password'],
  ['display', false, 'Taken as a wish.', 'page'],
  ['ui_locales', false, 'Taken as a wish.', 'en'],
];

const ANSWERED_AT_ONCE = /_not_supported$|^invalid_request_object$/;

function ApiAuthorizationQuery(): MethodDecorator {
  const decorators = PARAMETERS.map(([name, required, description, example]) =>
    ApiQuery({ name, required, description, example, type: String }),
  );
  return (target, key, descriptor) => {
    for (const decorate of decorators) decorate(target, key, descriptor);
  };
}

/**
 * The authorization endpoint (OpenID Connect Core 1.0 §3.1.2). No CORS header ever (RFC 9700 §2.6).
 *
 * 1. Client and redirect URI are checked first; until they are good nothing leads away from here.
 * 2. Whatever else is wrong goes to the client by redirect.
 * 3. What can be answered silently is; otherwise an interaction begins, bound to this browser.
 */
@ApiTags('Sign-in')
@Controller('authorize')
@UseFilters(PageErrorFilter)
@ReadsItsOwnParameters()
export class AuthorizeController {
  constructor(
    private readonly parser: AuthorizationRequestParser,
    private readonly authorization: AuthorizationService,
    private readonly interactions: InteractionsService,
    private readonly sessions: SessionsService,
    private readonly clients: ClientsService,
    private readonly consents: ConsentsService,
    private readonly browsers: BrowserIdentity,
    private readonly answer: AuthorizationAnswer,
    private readonly edge: HttpEdge,
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
  get(
    @Query() query: RawParameters,
    @Cookies() cookies: CookieJar,
    @Ip() address: string,
    @Res() response: Response,
  ): Promise<void> {
    return this.authorize(query, cookies, address, response);
  }

  @Post()
  @HttpCode(303)
  @ApiOperation({
    summary: 'Sign a person in to an application (form)',
    description: 'The parameters of GET in a form body (Core §3.1.2.1).',
  })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiBody({
    schema: {
      type: 'object',
      required: ['client_id', 'response_type'],
      properties: Object.fromEntries(
        PARAMETERS.map(([name, , description, example]) => [name, { type: 'string', description, example }]),
      ),
    },
  })
  @ApiSeeOther('As GET.')
  @ApiPage(200, 'As GET.')
  @ApiPage(400, 'As GET.')
  @ApiPage(429, 'As GET.')
  @ApiPage(503, 'As GET.')
  async post(
    @Body() body: RawParameters | undefined,
    @Cookies() cookies: CookieJar,
    @Headers('sec-fetch-site') fetchSite: string | undefined,
    @Ip() address: string,
    @Res() response: Response,
  ): Promise<void> {
    const parameters = body ?? {};
    // A POST from another site comes without our SameSite=Lax cookie; the same request by GET brings it.
    const single = Object.entries(parameters).every(([, value]) => typeof value === 'string');
    if (fetchSite === 'cross-site' && single) {
      this.edge.redirect(response, appendQuery('/authorize', Object.entries(parameters as Record<string, string>)));
      return;
    }
    await this.authorize(parameters, cookies, address, response);
  }

  private async authorize(raw: RawParameters, cookies: CookieJar, address: string, response: Response): Promise<void> {
    try {
      const { client, request } = await this.parser.parse(raw);
      const session = await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'), client.clientId);
      const step = await this.authorization.nextStep(client, request, session, false);
      if (step.kind === 'error') {
        this.answer.error(response, cookies, targetOf(request), step.code, step.description);
        return;
      }
      const code =
        step.kind === 'grant' && session !== undefined
          ? await this.authorization.issueCode(client, request, session)
          : undefined;
      if (code !== undefined) {
        this.answer.code(response, cookies, targetOf(request), code);
        return;
      }
      if (request.prompt.includes('none')) {
        // The session ended, or the client was disabled, since we looked. With `prompt=none` no page is shown (Core
        // §3.1.2.1).
        this.answer.error(
          response,
          cookies,
          targetOf(request),
          'login_required',
          'Nobody is signed in who fits the request.',
        );
        return;
      }
      const browserId = this.browsers.ensure(response, cookies);
      const id = await this.interactions.begin(request, this.browsers.hash(browserId), address);
      this.edge.redirect(response, `/interaction/${id}`);
    } catch (error) {
      if (!(error instanceof AuthorizationError)) throw error;
      const { target, code, description } = error;
      if (await this.isHeldBack(error, cookies)) this.answer.errorByHand(response, cookies, target, code, description);
      else this.answer.error(response, cookies, target, code, description);
    }
  }

  /**
   * A wrong request takes no browser to an application that has registered itself, unless the person has allowed it
   * something. What is merely not offered here, request objects that cannot be used, and `prompt=none`, which is right
   * as it stands, are answered at once as OpenID Connect Core §3.1.2.6 has it: libraries try them and wait for the
   * answer.
   */
  private async isHeldBack({ code, target }: AuthorizationError, cookies: CookieJar): Promise<boolean> {
    const client = await this.clients.find(target.clientId);
    if (client === undefined || !isUnverified(client) || ANSWERED_AT_ONCE.test(code)) return false;
    const session = await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'), client.clientId);
    if (session === undefined) return true;
    const consents = await this.consents.list(session.accountId);
    return consents.every(({ clientId }) => clientId !== client.clientId);
  }
}
