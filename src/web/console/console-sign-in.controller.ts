import {
  Body,
  Controller,
  Cookies,
  Get,
  Headers,
  HttpCode,
  Inject,
  Ip,
  Post,
  Res,
  UseFilters,
  UsePipes,
} from '@nestjs/common';
import { ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import { FormDto, isTooLong, SignInFormDto } from '../kit/dto/forms.dto.js';
import { SignInService } from '../../domain/lifecycle/sign-in.service.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { BrowserIdentity } from '../kit/browser.js';
import { HttpEdge, type Cookies as CookieJar, type Response } from '../kit/http-edge.js';
import { PageErrorFilter } from '../kit/page-error.filter.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import { renderConsoleSignInPage } from '../pages/pages.js';
import type { ConsoleSignInView } from '../pages/views.js';
import { SessionsService } from '../../domain/sessions/sessions.service.js';
import { OVERVIEW_PATH } from './console-views.service.js';
import { ConsoleClientFormDto } from './dto/console.dto.js';
import { CLIENT_TTL_MS, OperatorsService } from '../../domain/operators/operators.service.js';

const PATH = '/console/sign-in';
const FORM = 'application/x-www-form-urlencoded';
type Problem = NonNullable<ConsoleSignInView['problem']>;

/** The door of the console. An account gets its ordinary session, an admin client a cookie for half an hour. */
@ApiTags('Console')
@Controller('console')
@UseFilters(PageErrorFilter)
@UsePipes(OAuthParametersPipe)
export class ConsoleSignInController {
  constructor(
    private readonly operators: OperatorsService,
    private readonly signInService: SignInService,
    private readonly sessions: SessionsService,
    private readonly browsers: BrowserIdentity,
    private readonly edge: HttpEdge,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Get('sign-in')
  @HttpCode(200)
  @ApiOperation({ summary: 'Sign in to the console' })
  @ApiPage(200, 'A form for an account, and one for the admin client.')
  @ApiSeeOther('To the console, for who is an operator already.')
  @ApiPage(403, 'You are signed in and no operator: the form, to sign in as one.')
  @ApiPage(503, 'Storage is away.')
  async show(@Cookies() cookies: CookieJar, @Res() response: Response): Promise<void> {
    const admission = await this.operators.admit({
      session: this.edge.cookie(cookies, 'session'),
      console: this.edge.cookie(cookies, 'console'),
    });
    switch (admission.kind) {
      case 'operator':
        return this.edge.redirect(response, OVERVIEW_PATH);
      case 'not_an_operator':
        return this.page(cookies, response, 403, { form: 'account', kind: 'not_an_operator', name: admission.name });
      case 'stale':
        return this.page(cookies, response, 200, { form: 'account', kind: 'stale' });
      case 'nobody':
        return this.page(cookies, response, 200);
    }
  }

  @Post('sign-in')
  @HttpCode(303)
  @ApiOperation({ summary: 'Sign in to the console with an account that has the role `operator`' })
  @ApiConsumes(FORM)
  @ApiSeeOther('To the console. The session cookie is new.')
  @ApiPage(400, 'Wrong login or password.')
  @ApiPage(403, 'The form was not opened in this browser, or the account is no operator.')
  @ApiPage(429, 'Too many attempts; `Retry-After` says when to come back.')
  @ApiPage(503, 'Too many sign-ins at once, or storage is away.')
  async signIn(
    @Body() form: SignInFormDto,
    @Cookies() cookies: CookieJar,
    @Ip() address: string,
    @Headers('user-agent') userAgent: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    this.browsers.checkCsrf(cookies, form.csrf, { url: PATH, label: 'Show the page again' });
    const login = form.login ?? '';
    const refuse = (status: number, problem: Omit<Problem, 'form'>): void =>
      this.page(cookies, response, status, { form: 'account', ...problem }, { login });
    if (login === '' || form.password === undefined) return refuse(400, { kind: 'missing_fields' });
    if (isTooLong(form)) return refuse(400, { kind: 'wrong_credentials' });
    const current = await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'));
    const outcome = await this.signInService.signIn(login, form.password, { address, userAgent }, current);
    if (outcome.kind !== 'signed_in') {
      await this.operators.refused('account', outcome.kind, address);
      const retryAfterSeconds = outcome.kind === 'too_many_attempts' ? outcome.retryAfterSeconds : undefined;
      if (retryAfterSeconds !== undefined) this.edge.header(response, 'Retry-After', String(retryAfterSeconds));
      return refuse(STATUS[outcome.kind], {
        kind: outcome.kind,
        ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      });
    }
    this.edge.setCookie(response, 'session', outcome.started.cookie, this.settings.sessionTtlMs);
    if (!(await this.operators.signedIn(outcome.account.id, address)))
      return refuse(403, { kind: 'not_an_operator', name: outcome.account.login });
    this.edge.redirect(response, OVERVIEW_PATH);
  }

  @Post('client-sign-in')
  @HttpCode(303)
  @ApiOperation({ summary: 'Sign in to the console with the id and secret of an admin client, for half an hour' })
  @ApiConsumes(FORM)
  @ApiSeeOther('To the console.')
  @ApiPage(400, 'Wrong id or secret, or a client without `exeunt:admin`.')
  @ApiPage(403, 'The form was not opened in this browser.')
  @ApiPage(429, 'Too many attempts; `Retry-After` says when to come back.')
  @ApiPage(503, 'Storage is away.')
  async signInClient(
    @Body() form: ConsoleClientFormDto,
    @Cookies() cookies: CookieJar,
    @Ip() address: string,
    @Res() response: Response,
  ): Promise<void> {
    this.browsers.checkCsrf(cookies, form.csrf, { url: PATH, label: 'Show the page again' });
    const clientId = form.client_id ?? '';
    const refuse = (status: number, problem: Omit<Problem, 'form'>): void =>
      this.page(cookies, response, status, { form: 'client', ...problem }, { clientId });
    if (clientId === '' || form.client_secret === undefined) return refuse(400, { kind: 'missing_fields' });
    const outcome = await this.operators.signInClient(clientId, form.client_secret, address);
    if (outcome.kind === 'wrong_credentials') return refuse(400, { kind: 'wrong_credentials' });
    if (outcome.kind === 'too_many_attempts') {
      this.edge.header(response, 'Retry-After', String(outcome.retryAfterSeconds));
      return refuse(429, { kind: 'too_many_attempts', retryAfterSeconds: outcome.retryAfterSeconds });
    }
    this.edge.setCookie(response, 'console', outcome.cookie, CLIENT_TTL_MS);
    this.edge.redirect(response, OVERVIEW_PATH);
  }

  @Post('sign-out')
  @HttpCode(303)
  @ApiOperation({
    summary: 'Leave the console',
    description: 'A client’s cookie is gone then. An account’s session is ended on the sign-out page.',
  })
  @ApiConsumes(FORM)
  @ApiSeeOther('To the sign-out page when an account is signed in, else to the door.')
  @ApiPage(403, 'The form was not opened in this browser.')
  async leave(@Body() form: FormDto, @Cookies() cookies: CookieJar, @Res() response: Response): Promise<void> {
    this.browsers.checkCsrf(cookies, form.csrf, { url: PATH, label: 'Show the page again' });
    const console = this.edge.cookie(cookies, 'console');
    const wasClient = console !== undefined;
    // Before the cookie goes: a storage failure must not look like having left.
    await this.operators.leave(console);
    this.edge.clearCookie(response, 'console');
    const session = await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'));
    this.edge.redirect(response, wasClient || session === undefined ? PATH : '/session/end_session');
  }

  private page(
    cookies: CookieJar,
    response: Response,
    status: number,
    problem?: Problem,
    typed: { readonly login?: string; readonly clientId?: string } = {},
  ): void {
    const nonce = this.edge.newNonce();
    const html = renderConsoleSignInPage({
      nonce,
      csrf: this.browsers.csrfToken(this.browsers.ensure(response, cookies)),
      accountAction: PATH,
      clientAction: '/console/client-sign-in',
      login: typed.login ?? '',
      clientId: typed.clientId ?? '',
      ...(problem === undefined ? {} : { problem }),
    });
    this.edge.page(response, html, { nonce, status });
  }
}

const STATUS = { wrong_credentials: 400, too_many_attempts: 429, busy: 503 } as const;
