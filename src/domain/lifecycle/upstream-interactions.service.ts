import { Injectable, Logger } from '@nestjs/common';
import { AuditLog } from '../../platform/audit/audit-log.js';
import { UPSTREAM_ACR } from '../../platform/oidc/authentication-context.js';
import type { AuthorizationRequest } from '../interactions/authorization-request.js';
import { InteractionLostError } from '../interactions/interaction-errors.js';
import { InteractionFlow } from '../interactions/interaction-flow.service.js';
import type { InteractingBrowser, OwnInteraction } from '../interactions/interaction.js';
import { InteractionsService } from '../interactions/interactions.service.js';
import type { Browser } from '../sessions/session.js';
import { UpstreamNotFreshError, UpstreamSignInError, UpstreamUnavailableError } from '../upstreams/upstream-errors.js';
import { UpstreamRoundTrips } from '../upstreams/upstream-round-trips.service.js';
import type { UpstreamSignIn } from '../upstreams/upstream-sessions.service.js';
import { mayServe, servesEverybody, type Upstream } from '../upstreams/upstream.js';
import { UpstreamsService } from '../upstreams/upstreams.service.js';
import { SignInService } from './sign-in.service.js';

/** Why a sign-in by an upstream did not come about; the person may try another way. */
export interface UpstreamProblem {
  readonly kind: 'problem';
  readonly problem: 'upstream_unavailable' | 'upstream_refused' | 'upstream_not_fresh' | 'account_unusable';
  readonly interaction: OwnInteraction;
  readonly upstreamName: string;
}

/** What the browser brought back from an upstream. */
export interface UpstreamResponse {
  readonly state: string | undefined;
  readonly parameters: URLSearchParams;
}

const PROBLEMS = {
  no_account: 'account_unusable',
  account_unusable: 'account_unusable',
  ended_meanwhile: 'upstream_refused',
} as const satisfies Record<Exclude<UpstreamSignIn['kind'], 'signed_in'>, UpstreamProblem['problem']>;

/**
 * Signing in at another provider within an interaction: the round trip there and back.
 *
 * Decision: each upstream has a callback of its own, and `state` belongs to one upstream and one browser, so that a
 * response is never taken for another provider's (RFC 9700 §4.4.2) nor for another person's
 * (docs/threat-model.md#callback-used-twice).
 */
@Injectable()
export class UpstreamInteractions {
  private readonly logger = new Logger(UpstreamInteractions.name);

  constructor(
    private readonly interactions: InteractionsService,
    private readonly flow: InteractionFlow,
    private readonly upstreams: UpstreamsService,
    private readonly roundTrips: UpstreamRoundTrips,
    private readonly signInService: SignInService,
    private readonly audit: AuditLog,
  ) {}

  /**
   * @returns where to send the browser, or why it stays
   * @throws TooManyRequestsError when this address began too many
   * @throws InteractionLostError, InteractionAnsweredError
   */
  async depart(
    id: string,
    name: string,
    browser: InteractingBrowser,
    address: string,
  ): Promise<{ readonly kind: 'departs'; readonly url: string } | UpstreamProblem> {
    await this.interactions.count(address);
    const interaction = await this.flow.findUnderWay(id, browser);
    const upstream = await this.usable(name, interaction);
    const request = interaction.kind === 'authorize' ? interaction.request : undefined;
    const checkedMaxAge = maxAgeFor(request);
    try {
      const url = await this.roundTrips.depart(upstream, {
        interactionId: id,
        browserHash: interaction.row.interactionBrowser,
        loginHint: request?.loginHint,
        prompt: promptFor(request),
        maxAge: request?.maxAge ?? checkedMaxAge,
        checkedMaxAge,
      });
      return { kind: 'departs', url };
    } catch (error) {
      return this.problemOf(error, interaction, upstream);
    }
  }

  /**
   * Each response is taken once, and only from the browser that left.
   * @returns the session's cookie and the interaction to continue with, or why there is no sign-in
   * @throws InteractionLostError, InteractionAnsweredError
   */
  async comeBack(
    name: string,
    response: UpstreamResponse,
    browser: InteractingBrowser,
    from: Browser,
  ): Promise<
    { readonly kind: 'signed_in'; readonly interactionId: string; readonly cookie: string } | UpstreamProblem
  > {
    const upstream = await this.upstreams.find(name);
    const { idHash } = browser;
    const trip =
      upstream === undefined || idHash === undefined || response.state === undefined
        ? undefined
        : await this.roundTrips.comeBack(upstream, response.state, idHash);
    if (upstream === undefined || trip === undefined) throw new InteractionLostError();
    const interaction = await this.flow.findUnderWay(trip.interactionId, browser);
    await this.usable(name, interaction);
    try {
      const person = await this.roundTrips.redeem(upstream, trip, response.parameters);
      const outcome = await this.signInService.signInByUpstream(upstream, person, from, await browser.session());
      if (outcome.kind !== 'signed_in') {
        await this.audit.recordRefusal('upstream_sign_in', { upstream: upstream.name, reason: outcome.kind });
        return problem(PROBLEMS[outcome.kind], interaction, upstream);
      }
      await this.interactions.authenticated(interaction.row, outcome.started.sessionId);
      return { kind: 'signed_in', interactionId: interaction.id, cookie: outcome.started.cookie };
    } catch (error) {
      if (!(error instanceof UpstreamSignInError)) return this.problemOf(error, interaction, upstream);
      this.logger.warn(`upstream ${upstream.name} did not sign a person in: ${error.detail}`);
      await this.audit.recordRefusal('upstream_sign_in', { upstream: upstream.name, reason: error.detail });
      const kind = error instanceof UpstreamNotFreshError ? 'upstream_not_fresh' : 'upstream_refused';
      return problem(kind, interaction, upstream);
    }
  }

  private problemOf(error: unknown, interaction: OwnInteraction, upstream: Upstream): UpstreamProblem {
    if (!(error instanceof UpstreamUnavailableError)) throw error;
    this.logger.warn(`upstream ${upstream.name}: ${error.description}`);
    return problem('upstream_unavailable', interaction, upstream);
  }

  private async usable(name: string, interaction: OwnInteraction): Promise<Upstream> {
    const upstream = await this.upstreams.find(name);
    if (upstream === undefined || !serves(upstream, interaction)) throw new InteractionLostError();
    return upstream;
  }
}

/** A person who came for their own pages may continue to any application from there. */
function serves(upstream: Upstream, interaction: OwnInteraction): boolean {
  if (interaction.kind === 'own_page') return servesEverybody(upstream);
  const { acr, clientId } = interaction.request;
  return mayServe(upstream, clientId) && acr?.includes(UPSTREAM_ACR) !== false;
}

function problem(
  kind: UpstreamProblem['problem'],
  interaction: OwnInteraction,
  { displayName }: Upstream,
): UpstreamProblem {
  return { kind: 'problem', problem: kind, interaction, upstreamName: displayName };
}

/** What the application demands of the sign-in is demanded of the provider that does it. `max_age=0` is `prompt=login`. */
function promptFor(request: AuthorizationRequest | undefined): string | undefined {
  const passed = new Set(request?.prompt.filter((value) => value === 'login' || value === 'select_account'));
  if (maxAgeFor(request) === 0) passed.add('login');
  return passed.size === 0 ? undefined : [...passed].join(' ');
}

/** How old the sign-in there may be. `max_age` brings `auth_time` along (Core §2), by which that can be seen. */
function maxAgeFor(request: AuthorizationRequest | undefined): number | undefined {
  return request?.prompt.includes('login') === true ? 0 : request?.maxAge;
}
