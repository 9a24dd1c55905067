import {
  Controller,
  Cookies,
  Get,
  Headers,
  HttpCode,
  Inject,
  Ip,
  Logger,
  Param,
  Query,
  Res,
  UseFilters,
  UsePipes,
} from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AuditLog } from '../../platform/audit/audit-log.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { BrowserIdentity } from '../kit/browser.js';
import { HttpEdge, type Cookies as CookieJar, type Response } from '../kit/http-edge.js';
import { PageErrorFilter } from '../kit/page-error.filter.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import type { SignInError } from '../pages/views.js';
import { SessionsService } from '../../domain/sessions/sessions.service.js';
import { codeChallengeOf, UpstreamAuthentications } from '../../domain/upstreams/upstream-authentications.service.js';
import { UpstreamClient } from '../../domain/upstreams/upstream-client.js';
import {
  UpstreamNotFreshError,
  UpstreamSignInError,
  UpstreamUnavailableError,
} from '../../domain/upstreams/upstream-errors.js';
import type { UpstreamSignIn } from '../../domain/upstreams/upstream-sessions.service.js';
import { UPSTREAM_ACR } from '../../platform/oidc/authentication-context.js';
import { mayServe, servesEverybody, type Upstream } from '../../domain/upstreams/upstream.js';
import { UpstreamsService } from '../../domain/upstreams/upstreams.service.js';
import { AuthorizationRequestParser } from './authorization-request.parser.js';
import type { AuthorizationRequest } from '../../domain/interactions/authorization-request.js';
import { UpstreamCallbackDto } from './dto/upstream-callback.dto.js';
import { InteractionLostError } from '../../domain/interactions/interaction-errors.js';
import { InteractionsService, type Interaction } from '../../domain/interactions/interactions.service.js';
import { LeadingOn } from './leading-on.service.js';
import { SignInAnswer } from './sign-in-answer.js';
import { SignInService } from '../../domain/lifecycle/sign-in.service.js';

const PROBLEMS = {
  no_account: 'account_unusable',
  account_unusable: 'account_unusable',
  ended_meanwhile: 'upstream_refused',
} as const satisfies Record<Exclude<UpstreamSignIn['kind'], 'signed_in'>, SignInError>;

interface RoundTrip {
  readonly id: string;
  readonly interaction: Interaction;
  readonly browserId: string;
}

/**
 * The round trip to another provider and back, within an interaction.
 *
 * Decision: each upstream has a callback of its own, and `state` belongs to one upstream and one browser, so that an
 * answer is never taken for another provider's (RFC 9700 §4.4.2) nor for another person's
 * (docs/threat-model.md#callback-used-twice). Leaving by a link and not by a form keeps foreign origins out of the
 * page's `form-action`.
 */
@ApiTags('Sign-in')
@Controller()
@UseFilters(PageErrorFilter)
@UsePipes(OAuthParametersPipe)
export class UpstreamSignInController {
  private readonly logger = new Logger(UpstreamSignInController.name);

  constructor(
    private readonly interactions: InteractionsService,
    private readonly parser: AuthorizationRequestParser,
    private readonly leadingOn: LeadingOn,
    private readonly authentications: UpstreamAuthentications,
    private readonly upstreams: UpstreamsService,
    private readonly upstreamClient: UpstreamClient,
    private readonly signInService: SignInService,
    private readonly sessions: SessionsService,
    private readonly clients: ClientsService,
    private readonly browsers: BrowserIdentity,
    private readonly answer: SignInAnswer,
    private readonly audit: AuditLog,
    private readonly edge: HttpEdge,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Get('interaction/:id/upstream/:name')
  @HttpCode(303)
  @ApiOperation({ summary: 'Sign in with another provider' })
  @ApiSeeOther('To the other provider, with PKCE, `state` and `nonce`.')
  @ApiPage(400, 'The interaction lapsed or belongs to another browser, or there is no such provider for it.')
  @ApiPage(429, 'Too many sign-ins were begun from this address; `Retry-After` says when to come back.')
  @ApiPage(503, 'The other provider cannot be reached; the sign-in page says so.')
  async leave(
    @Param('id') id: string,
    @Param('name') name: string,
    @Cookies() cookies: CookieJar,
    @Ip() address: string,
    @Res() response: Response,
  ): Promise<void> {
    await this.interactions.count(address);
    const trip = await this.roundTrip(id, cookies);
    const upstream = await this.usable(name, trip.interaction);
    const { request } = trip.interaction;
    const demanded = maxAgeFor(request);
    const authentication = await this.authentications.begin(upstream, id, this.browsers.hash(trip.browserId), demanded);
    try {
      const url = await this.upstreamClient.authorizationUrl(upstream, {
        redirectUri: this.callbackUri(upstream),
        state: authentication.state,
        nonce: authentication.nonce,
        codeChallenge: codeChallengeOf(authentication.codeVerifier),
        loginHint: request?.loginHint,
        prompt: promptFor(request),
        maxAge: request?.maxAge ?? demanded,
      });
      this.edge.redirect(response, url);
    } catch (error) {
      if (!(error instanceof UpstreamUnavailableError)) throw error;
      this.logger.warn(`upstream ${upstream.name}: ${error.description}`);
      await this.showProblem(trip, upstream, 'upstream_unavailable', response);
    }
  }

  @Get('upstreams/:name/callback')
  @HttpCode(303)
  @ApiOperation({
    summary: 'Where another provider sends the browser back to',
    description:
      'Register this address at the provider. Each answer is taken once, and only from the browser that left.',
  })
  @ApiSeeOther('On with the interaction: to consent, or back to the application. The session cookie is new.')
  @ApiPage(400, 'The answer is not good, was used before, or belongs to another browser.')
  @ApiPage(403, 'The person has no account here that can be used.')
  @ApiPage(503, 'The other provider cannot be reached, or storage is away.')
  async callback(
    @Param('name') name: string,
    @Query() query: UpstreamCallbackDto,
    @Cookies() cookies: CookieJar,
    @Ip() address: string,
    @Headers('user-agent') userAgent: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    const upstream = await this.upstreams.find(name);
    const browserId = this.browsers.find(cookies);
    const authentication =
      upstream === undefined || browserId === undefined || query.state === undefined
        ? undefined
        : await this.authentications.consume(upstream, query.state, this.browsers.hash(browserId));
    if (upstream === undefined || authentication === undefined) throw new InteractionLostError();
    const trip = await this.roundTrip(authentication.interactionId, cookies);
    await this.usable(name, trip.interaction);
    try {
      const person = await this.upstreamClient.redeem(upstream, {
        parameters: parametersOf(query),
        redirectUri: this.callbackUri(upstream),
        state: authentication.state,
        nonce: authentication.nonce,
        codeVerifier: authentication.codeVerifier,
        maxAge: authentication.maxAge,
        leftAt: authentication.leftAt,
      });
      const current = await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'));
      const outcome = await this.signInService.signInByUpstream(upstream, person, { address, userAgent }, current);
      if (outcome.kind !== 'signed_in') {
        await this.audit.recordRefusal('upstream_sign_in', { upstream: upstream.name, reason: outcome.kind });
        return await this.showProblem(trip, upstream, PROBLEMS[outcome.kind], response);
      }
      await this.interactions.authenticated(trip.id, outcome.started.sessionId);
      this.edge.setCookie(response, 'session', outcome.started.cookie, this.settings.sessionTtlMs);
      this.edge.redirect(response, `/interaction/${trip.id}`);
    } catch (error) {
      await this.failed(error, trip, upstream, response);
    }
  }

  private async failed(error: unknown, trip: RoundTrip, upstream: Upstream, response: Response): Promise<void> {
    if (error instanceof UpstreamSignInError) {
      this.logger.warn(`upstream ${upstream.name} did not sign a person in: ${error.detail}`);
      await this.audit.recordRefusal('upstream_sign_in', { upstream: upstream.name, reason: error.detail });
      const problem = error instanceof UpstreamNotFreshError ? 'upstream_not_fresh' : 'upstream_refused';
      return this.showProblem(trip, upstream, problem, response);
    }
    if (!(error instanceof UpstreamUnavailableError)) throw error;
    this.logger.warn(`upstream ${upstream.name}: ${error.description}`);
    return this.showProblem(trip, upstream, 'upstream_unavailable', response);
  }

  private async showProblem(
    trip: RoundTrip,
    upstream: Upstream,
    problem: SignInError,
    response: Response,
  ): Promise<void> {
    const { request } = trip.interaction;
    await this.answer.show(response, {
      interactionId: trip.id,
      csrf: this.browsers.csrfToken(trip.browserId),
      client: request === undefined ? undefined : await this.clients.find(request.clientId),
      acr: request?.acr,
      login: request?.loginHint ?? '',
      problem,
      upstreamName: upstream.displayName,
    });
  }

  private async roundTrip(id: string, cookies: CookieJar): Promise<RoundTrip> {
    const browserId = this.browsers.find(cookies);
    const interaction =
      browserId === undefined ? undefined : await this.interactions.find(id, this.browsers.hash(browserId));
    if (browserId === undefined || interaction === undefined) throw await this.leadingOn.fromUnknown(id);
    if (interaction.state !== 'open') throw await this.leadingOn.from(id, interaction);
    const { request } = interaction;
    if (request === undefined) return { id, interaction, browserId };
    // It may have been switched off, or changed, while the person was away: then it gets no sign-in.
    const client = await this.clients.findEnabled(request.clientId);
    if (client === undefined) throw new InteractionLostError();
    return { id, interaction: { ...interaction, request: this.parser.recheck(client, request) }, browserId };
  }

  private async usable(name: string, { request }: Interaction): Promise<Upstream> {
    const upstream = await this.upstreams.find(name);
    if (upstream === undefined) throw new InteractionLostError();
    // A person who came for their own pages may continue to any application from there.
    const serves = request === undefined ? servesEverybody(upstream) : mayServe(upstream, request.clientId);
    if (!serves || request?.acr?.includes(UPSTREAM_ACR) === false) throw new InteractionLostError();
    return upstream;
  }

  private callbackUri(upstream: Upstream): string {
    return `${this.settings.issuer}/upstreams/${upstream.name}/callback`;
  }
}

/**
 * What the application demands of the sign-in is demanded of the provider that does it. `max_age=0` is `prompt=login`.
 */
function promptFor(request: AuthorizationRequest | undefined): string | undefined {
  const passed = new Set(request?.prompt.filter((value) => value === 'login' || value === 'select_account'));
  if (maxAgeFor(request) === 0) passed.add('login');
  return passed.size === 0 ? undefined : [...passed].join(' ');
}

/** How old the sign-in there may be. `max_age` brings `auth_time` along (Core §2), by which that can be seen. */
function maxAgeFor(request: AuthorizationRequest | undefined): number | undefined {
  return request?.prompt.includes('login') === true ? 0 : request?.maxAge;
}

function parametersOf(query: UpstreamCallbackDto): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (typeof value === 'string') parameters.append(name, value);
  return parameters;
}
