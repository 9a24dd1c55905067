import { Body, Get, Headers, HttpCode, Ip, Post, UsePipes } from '@nestjs/common';
import { ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import { SignInService } from '../../domain/lifecycle/sign-in.service.js';
import { CLIENT_TTL_MS, ClientConsoleSessions } from '../../domain/operators/client-console-sessions.js';
import { OperatorSignIns } from '../../domain/operators/operator-sign-ins.js';
import { OperatorsService } from '../../domain/operators/operators.service.js';
import { PATHS } from '../../platform/oidc/endpoints.js';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { type Browser, CurrentBrowser } from '../kit/browser.js';
import { FormDto, isTooLong, SignInFormDto } from '../kit/dto/forms.dto.js';
import { formPage, redirect, type HttpResponse } from '../kit/http-response.js';
import { PageController } from '../kit/page-controller.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import { keepingCookies } from '../kit/response.interceptor.js';
import { renderConsoleSignInPage } from '../pages/pages.js';
import type { ConsoleSignInView } from '../pages/pages.js';
import { ConsoleClientFormDto } from './dto/console.dto.js';

const AGAIN = { url: PATHS.consoleSignIn, label: 'Show the page again' };
const FORM = 'application/x-www-form-urlencoded';
type Problem = NonNullable<ConsoleSignInView['problem']>;
const STATUS = { wrong_credentials: 400, too_many_attempts: 429, busy: 503 } as const;

/** The door of the console. An account gets its ordinary session, an admin client a cookie for half an hour. */
@ApiTags('Console')
@PageController(PATHS.console)
@UsePipes(OAuthParametersPipe)
export class ConsoleSignInController {
  constructor(
    private readonly operators: OperatorsService,
    private readonly signIns: OperatorSignIns,
    private readonly clientSessions: ClientConsoleSessions,
    private readonly signInService: SignInService,
  ) {}

  @Get('sign-in')
  @HttpCode(200)
  @ApiOperation({ summary: 'Sign in to the console' })
  @ApiPage(200, 'A form for an account, and one for the admin client.')
  @ApiSeeOther('To the console, for who is an operator already.')
  @ApiPage(403, 'You are signed in and no operator: the form, to sign in as one.')
  @ApiPage(503, 'Storage is away.')
  async show(@CurrentBrowser() browser: Browser): Promise<HttpResponse> {
    const admission = await this.operators.admit({
      session: browser.cookie('session'),
      console: browser.cookie('console'),
    });
    switch (admission.kind) {
      case 'operator':
        return redirect(PATHS.consoleLogouts);
      case 'not_an_operator':
        return signInPage(browser, 403, { form: 'account', kind: 'not_an_operator', name: admission.name });
      case 'stale':
        return signInPage(browser, 200, { form: 'account', kind: 'stale' });
      case 'nobody':
        return signInPage(browser, 200);
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
    @CurrentBrowser() sent: Browser,
    @Ip() address: string,
    @Headers('user-agent') userAgent: string | undefined,
  ): Promise<HttpResponse> {
    const browser = sent.submitted(form.csrf, AGAIN);
    const login = form.login ?? '';
    const refuse = (status: number, problem: Omit<Problem, 'form'>): HttpResponse =>
      signInPage(browser, status, { form: 'account', ...problem }, { login });
    if (login === '' || form.password === undefined) return refuse(400, { kind: 'missing_fields' });
    if (isTooLong(form)) return refuse(400, { kind: 'wrong_credentials' });
    const outcome = await this.signInService.signIn(
      login,
      form.password,
      { address, userAgent },
      await browser.session(),
    );
    if (outcome.kind !== 'signed_in') {
      await this.signIns.refused('account', outcome.kind, address);
      const retryAfterSeconds = outcome.kind === 'too_many_attempts' ? outcome.retryAfterSeconds : undefined;
      return refuse(STATUS[outcome.kind], { kind: outcome.kind, retryAfterSeconds });
    }
    const signedIn = browser.signedIn(outcome.started.cookie);
    return keepingCookies(signedIn, async () => {
      if (await this.signIns.signedIn(outcome.account.id, address)) return redirect(PATHS.consoleLogouts).for(signedIn);
      const problem: Problem = { form: 'account', kind: 'not_an_operator', name: outcome.account.login };
      return signInPage(signedIn, 403, problem, { login });
    });
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
    @CurrentBrowser() sent: Browser,
    @Ip() address: string,
  ): Promise<HttpResponse> {
    const browser = sent.submitted(form.csrf, AGAIN);
    const clientId = form.client_id ?? '';
    const refuse = (status: number, problem: Omit<Problem, 'form'>): HttpResponse =>
      signInPage(browser, status, { form: 'client', ...problem }, { clientId });
    if (clientId === '' || form.client_secret === undefined) return refuse(400, { kind: 'missing_fields' });
    const outcome = await this.signIns.signInClient(clientId, form.client_secret, address);
    if (outcome.kind === 'wrong_credentials') return refuse(400, { kind: 'wrong_credentials' });
    if (outcome.kind === 'too_many_attempts') return refuse(429, outcome);
    return redirect(PATHS.consoleLogouts).for(browser.withSecret('console', outcome.cookie, CLIENT_TTL_MS));
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
  async leave(@Body() form: FormDto, @CurrentBrowser() sent: Browser): Promise<HttpResponse> {
    const browser = sent.submitted(form.csrf, AGAIN);
    const console = browser.cookie('console');
    // Before the cookie goes: a storage failure must not look like having left.
    await this.clientSessions.end(console);
    const left = browser.without('console');
    return keepingCookies(left, async () => {
      const session = await left.session();
      const isOver = console !== undefined || session === undefined;
      return redirect(isOver ? PATHS.consoleSignIn : PATHS.endSession).for(left);
    });
  }
}

function signInPage(
  browser: Browser,
  status: number,
  problem?: Problem,
  typed: { readonly login?: string; readonly clientId?: string } = {},
): HttpResponse {
  return formPage(
    browser,
    renderConsoleSignInPage,
    {
      accountAction: PATHS.consoleSignIn,
      clientAction: PATHS.consoleClientSignIn,
      login: typed.login ?? '',
      clientId: typed.clientId ?? '',
      problem,
    },
    { status, retryAfterSeconds: problem?.retryAfterSeconds },
  );
}
