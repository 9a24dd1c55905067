import {
  Body,
  Controller,
  Cookies,
  Get,
  Headers,
  HttpCode,
  Inject,
  Ip,
  Param,
  Post,
  Res,
  UseFilters,
  UsePipes,
} from '@nestjs/common';
import { ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import { isUnverified, type Client } from '../../domain/clients/client.js';
import { clientViewFor, logoOrigins } from '../pages/client-view.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { BrowserIdentity } from '../kit/browser.js';
import { HttpEdge, type Cookies as CookieJar, type Response } from '../kit/http-edge.js';
import { Leaving } from '../kit/leaving.js';
import { PageErrorFilter } from '../kit/page-error.filter.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import { isOnDevice } from '../../platform/oidc/redirect-uri.js';
import { renderConsentPage } from '../pages/pages.js';
import type { SignInError } from '../pages/views.js';
import type { SignedInSession } from '../../domain/sessions/session.js';
import { accountView } from '../pages/session-view.js';
import { SessionsService } from '../../domain/sessions/sessions.service.js';
import { AuthorizationAnswer } from './authorization-answer.js';
import { targetOf, type AuthorizationRequest } from '../../domain/interactions/authorization-request.js';
import { AuthorizationRequestParser } from './authorization-request.parser.js';
import { AuthorizationService } from '../../domain/interactions/authorization.service.js';
import { ConsentsService } from '../../domain/consents/consents.service.js';
import { FormDto, isTooLong, SignInFormDto } from '../kit/dto/forms.dto.js';
import { ConsentFormDto } from './dto/consent-form.dto.js';
import { InteractionLostError } from '../../domain/interactions/interaction-errors.js';
import { InteractionsService, type Interaction } from '../../domain/interactions/interactions.service.js';
import { LeadingOn } from './leading-on.service.js';
import { scopeViews } from './scope-words.js';
import { SignInAnswer } from './sign-in-answer.js';
import { SignInService } from '../../domain/lifecycle/sign-in.service.js';

const FORM = 'application/x-www-form-urlencoded';

interface Context {
  readonly id: string;
  readonly interaction: Interaction;
  readonly client: Client | undefined;
  readonly session: SignedInSession | undefined;
  readonly csrf: string;
  readonly cookies: CookieJar;
  readonly browserId: string;
}

/** The pages between an authorization request and its answer: sign-in and consent. */
@ApiTags('Sign-in')
@Controller('interaction/:id')
@UseFilters(PageErrorFilter)
@UsePipes(OAuthParametersPipe)
export class InteractionController {
  constructor(
    private readonly interactions: InteractionsService,
    private readonly authorization: AuthorizationService,
    private readonly parser: AuthorizationRequestParser,
    private readonly consents: ConsentsService,
    private readonly signInService: SignInService,
    private readonly sessions: SessionsService,
    private readonly clients: ClientsService,
    private readonly browsers: BrowserIdentity,
    private readonly answer: AuthorizationAnswer,
    private readonly leaving: Leaving,
    private readonly leadingOn: LeadingOn,
    private readonly signInAnswer: SignInAnswer,
    private readonly edge: HttpEdge,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'Sign-in or consent page' })
  @ApiPage(200, 'A form: `login` and `password`, or the consent.')
  @ApiSeeOther('Back to the application when nothing needs to be asked any more.')
  @ApiPage(
    400,
    'The interaction is over, or belongs to another browser. The page leads on, in its own browser by itself.',
  )
  async show(@Param('id') id: string, @Cookies() cookies: CookieJar, @Res() response: Response): Promise<void> {
    await this.proceed(await this.openContext(id, cookies), response);
  }

  /**
   * The same request once more, as if the application had just sent the person with it: in any browser, since that is what
   * sending on the application's own link does.
   */
  @Get('again')
  @HttpCode(303)
  @ApiOperation({ summary: 'Begin a sign-in anew that is over' })
  @ApiSeeOther('To a new interaction with the same request.')
  @ApiPage(400, 'There is no such interaction any more. The page leads on.')
  @ApiPage(429, 'Too many sign-ins were begun from this address; `Retry-After` says when to come back.')
  async again(
    @Param('id') id: string,
    @Cookies() cookies: CookieJar,
    @Ip() address: string,
    @Res() response: Response,
  ): Promise<void> {
    const browserId = this.browsers.ensure(response, cookies);
    const interaction = await this.interactions.findOfAnyBrowser(id);
    const { request } = interaction ?? {};
    if (request === undefined || (await this.clients.findEnabled(request.clientId)) === undefined)
      throw await this.leadingOn.fromUnknown(id);
    const browserHash = this.browsers.hash(browserId);
    const own = await this.interactions.find(id, browserHash);
    const fresh = await this.interactions.begin(request, browserHash, address, own?.sessionId);
    this.edge.redirect(response, `/interaction/${fresh}`);
  }

  @Post('sign-in')
  @HttpCode(303)
  @ApiOperation({ summary: 'Sign in' })
  @ApiConsumes(FORM)
  @ApiPage(200, 'The consent page; or, to a browser (`Accept: text/html`), a page that goes back to the application.')
  @ApiSeeOther('Back to the application. The session cookie is new.')
  @ApiPage(400, 'Wrong login or password, or the interaction lapsed.')
  @ApiPage(403, 'The form was not opened in this browser.')
  @ApiPage(429, 'Too many attempts; `Retry-After` says when to come back.')
  @ApiPage(503, 'Too many sign-ins at once, or storage is away.')
  async signIn(
    @Param('id') id: string,
    @Body() form: SignInFormDto,
    @Cookies() cookies: CookieJar,
    @Ip() address: string,
    @Headers('user-agent') userAgent: string | undefined,
    @Headers('accept') accept: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    this.leaving.answersForm(response, accept);
    this.browsers.checkCsrf(cookies, form.csrf, {
      url: `/interaction/${encodeURIComponent(id)}`,
      label: 'Show the page again',
    });
    const context = await this.context(id, cookies);
    const login = form.login ?? '';
    if (login === '' || form.password === undefined)
      return this.signInPage(context, response, { login, problem: 'missing_fields' });
    if (isTooLong(form)) return this.signInPage(context, response, { login: login.slice(0, 320), problem: 'too_long' });
    const outcome = await this.signInService.signIn(login, form.password, { address, userAgent }, context.session, id);
    if (outcome.kind !== 'signed_in') {
      if (outcome.kind === 'too_many_attempts')
        this.edge.header(response, 'Retry-After', String(outcome.retryAfterSeconds));
      return this.signInPage(context, response, {
        login,
        problem: outcome.kind,
        retryAfterSeconds: outcome.kind === 'too_many_attempts' ? outcome.retryAfterSeconds : undefined,
      });
    }
    const { started } = outcome;
    const session = await this.sessions.findByCookie(started.cookie, context.client?.clientId);
    // It ended at once, or a second click has got it and a newer cookie: ours must not replace that one.
    if (session === undefined) throw await this.leadingOn.from(id, context.interaction);
    this.edge.setCookie(response, 'session', started.cookie, this.settings.sessionTtlMs);
    if (context.interaction.state !== 'open') throw await this.begunAnew(context, started.sessionId, address);
    await this.proceed(
      { ...context, session, interaction: { ...context.interaction, sessionId: started.sessionId } },
      response,
    );
  }

  @Post('consent')
  @HttpCode(303)
  @ApiOperation({ summary: 'Allow or deny what the application asks for' })
  @ApiConsumes(FORM)
  @ApiPage(200, 'To a browser (`Accept: text/html`): a page that goes back to the application.')
  @ApiSeeOther('Back to the application, with `code` or `error=access_denied`.')
  @ApiPage(400, 'The interaction lapsed or belongs to another browser.')
  @ApiPage(403, 'The form was not opened in this browser.')
  async consent(
    @Param('id') id: string,
    @Body() form: ConsentFormDto,
    @Cookies() cookies: CookieJar,
    @Headers('accept') accept: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    this.leaving.answersForm(response, accept);
    this.browsers.checkCsrf(cookies, form.csrf, {
      url: `/interaction/${encodeURIComponent(id)}`,
      label: 'Show the page again',
    });
    const context = await this.openContext(id, cookies, form.decision === 'deny');
    const { client, session } = context;
    const { request } = context.interaction;
    if (client === undefined || request === undefined) throw new InteractionLostError();
    if (context.interaction.state !== 'open')
      return this.deny(context, request, 'The person did not allow it.', response);
    const step = await this.authorization.nextStep(client, request, session, this.signedInHere(context));
    // The person is not, or no longer, signed in as the request asks: they are asked again.
    if (session === undefined || (step.kind !== 'consent' && step.kind !== 'grant'))
      return this.proceed(context, response);
    if (form.decision === 'deny') {
      return this.deny(context, request, 'The person did not allow it.', response);
    }
    await this.consents.remember(session.accountId, request);
    await this.grant(context, client, request, session, response);
  }

  @Post('cancel')
  @HttpCode(303)
  @ApiOperation({ summary: 'Go back to the application without signing in' })
  @ApiConsumes(FORM)
  @ApiPage(200, 'To a browser (`Accept: text/html`): a page that goes back to the application.')
  @ApiSeeOther('Back to the application, with `error=access_denied`.')
  @ApiPage(400, 'The interaction lapsed or belongs to another browser.')
  @ApiPage(403, 'The form was not opened in this browser.')
  async cancel(
    @Param('id') id: string,
    @Body() form: FormDto,
    @Cookies() cookies: CookieJar,
    @Headers('accept') accept: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    this.leaving.answersForm(response, accept);
    this.browsers.checkCsrf(cookies, form.csrf, {
      url: `/interaction/${encodeURIComponent(id)}`,
      label: 'Show the page again',
    });
    const context = await this.context(id, cookies);
    const { request } = context.interaction;
    if (request === undefined) throw new InteractionLostError();
    await this.deny(context, request, 'The person did not sign in.', response);
  }

  /** However often the person says no, and however late, the application gets it: there is nothing in it to protect. */
  private async deny(
    context: Context,
    request: AuthorizationRequest,
    description: string,
    response: Response,
  ): Promise<void> {
    await this.interactions.finish(context.id);
    this.answer.error(response, context.cookies, targetOf(request), 'access_denied', description);
  }

  private async context(id: string, cookies: CookieJar): Promise<Context> {
    const browserId = this.browsers.find(cookies);
    const interaction =
      browserId === undefined ? undefined : await this.interactions.find(id, this.browsers.hash(browserId));
    if (browserId === undefined || interaction === undefined) throw await this.leadingOn.fromUnknown(id);
    const client =
      interaction.request === undefined ? undefined : await this.clients.findEnabled(interaction.request.clientId);
    if (interaction.request !== undefined && client === undefined) throw new InteractionLostError();
    const request =
      client === undefined || interaction.request === undefined
        ? undefined
        : this.parser.recheck(client, interaction.request);
    return {
      id,
      interaction: request === undefined ? interaction : { ...interaction, request },
      client,
      session: await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'), client?.clientId),
      csrf: this.browsers.csrfToken(browserId),
      cookies,
      browserId,
    };
  }

  /** Of an interaction that can still be answered; a refusal is taken later, too. */
  private async openContext(id: string, cookies: CookieJar, evenLater = false): Promise<Context> {
    const context = await this.context(id, cookies);
    if (context.interaction.state !== 'open' && !evenLater) throw await this.leadingOn.from(id, context.interaction);
    return context;
  }

  /** The person has just signed in, by a form of an interaction that is over. */
  private async begunAnew(context: Context, sessionId: string, address: string): Promise<Error> {
    const { request } = context.interaction;
    const browserHash = this.browsers.hash(context.browserId);
    return this.leadingOn.to(
      await this.interactions.begin(request, browserHash, address, sessionId),
      context.interaction,
    );
  }

  private signedInHere(context: Context): boolean {
    return context.session !== undefined && context.interaction.sessionId === context.session.id;
  }

  private async proceed(context: Context, response: Response): Promise<void> {
    const { interaction, client, session } = context;
    const { request } = interaction;
    if (client === undefined || request === undefined) return this.ownPages(context, response);
    const step = await this.authorization.nextStep(client, request, session, this.signedInHere(context));
    switch (step.kind) {
      case 'sign_in':
        return this.signInPage(context, response, {
          login: request.loginHint ?? '',
          reauthenticate: step.reauthenticate ? session : undefined,
        });
      case 'consent':
        return this.consentPage(context, client, request, session, response);
      case 'grant':
        return this.grant(context, client, request, session, response);
      case 'error':
        await this.answerOnce(context);
        return this.answer.error(response, context.cookies, targetOf(request), step.code, step.description);
    }
  }

  /** Of two forms that were sent at the same time one is answered; the other one leads on. */
  private async answerOnce({ id, interaction }: Context): Promise<void> {
    if (!(await this.interactions.finish(id)))
      throw await this.leadingOn.from(id, { ...interaction, state: 'answered' });
  }

  /** The person came for their own sessions, not for an application. */
  private async ownPages(context: Context, response: Response): Promise<void> {
    if (context.session === undefined) return this.signInPage(context, response, { login: '' });
    await this.interactions.finish(context.id);
    this.edge.redirect(response, '/account/sessions');
  }

  private async grant(
    context: Context,
    client: Client,
    request: AuthorizationRequest,
    session: SignedInSession | undefined,
    response: Response,
  ): Promise<void> {
    if (session === undefined) throw new InteractionLostError();
    await this.answerOnce(context);
    const code = await this.authorization.issueCode(client, request, session);
    if (code === undefined) throw new InteractionLostError();
    this.answer.code(response, context.cookies, targetOf(request), code);
  }

  private signInPage(
    context: Context,
    response: Response,
    form: {
      readonly login: string;
      readonly problem?: SignInError | undefined;
      readonly retryAfterSeconds?: number | undefined;
      readonly reauthenticate?: SignedInSession | undefined;
    },
  ): Promise<void> {
    const { id: interactionId, csrf, client, interaction } = context;
    return this.signInAnswer.show(response, { interactionId, csrf, client, acr: interaction.request?.acr, ...form });
  }

  private consentPage(
    context: Context,
    client: Client,
    request: AuthorizationRequest,
    session: SignedInSession | undefined,
    response: Response,
  ): void {
    if (session === undefined) throw new InteractionLostError();
    const nonce = this.edge.newNonce();
    const view = clientViewFor(client, request.redirectUri);
    const html = renderConsentPage({
      nonce,
      csrf: context.csrf,
      action: `/interaction/${context.id}/consent`,
      client: view,
      verified: !isUnverified(client),
      recipient: isOnDevice(request.redirectUri) ? undefined : new URL(request.redirectUri).host,
      account: accountView(session),
      scopes: scopeViews(request),
      offlineAccess: request.scope.includes('offline_access'),
    });
    const images = view.logoUri === undefined ? [] : logoOrigins(client);
    this.edge.page(response, html, { nonce, images });
  }
}
