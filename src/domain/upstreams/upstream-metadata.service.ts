import { Inject, Injectable, Logger } from '@nestjs/common';
import * as oauth from 'oauth4webapi';
import { RefreshingCache, type Aged } from '../../platform/cache/refreshing-cache.js';
import { Clock } from '../../platform/clock/clock.js';
import { HOUR, SECOND } from '../../platform/clock/durations.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { codeOf } from '../../platform/database/storage-errors.js';
import { EgressClient } from '../../platform/egress/egress.client.js';
import { EgressError } from '../../platform/egress/egress.js';
import { redirectUriProblem } from '../../platform/oidc/redirect-uri.js';
import { textProblem } from '../../platform/oidc/text.js';
import { OPENID_CONFIGURATION } from '../../platform/oidc/endpoints.js';
import { UpstreamUnavailableError } from './upstream-errors.js';
import { nameOfUpstream, type Upstream } from './upstream.js';
import { UpstreamsService } from './upstreams.service.js';

const MAX_AGE = HOUR;
/** After a failure no request waits for the same failure again. */
const FAILURE_FLOOR = 10 * SECOND;
const MAX_BYTES = 256 * 1024;

/**
 * Endpoints that a browser or we are sent to: nothing but http(s) is taken for one
 * (docs/threat-model.md#script-as-redirect).
 */
const ENDPOINTS = [
  'authorization_endpoint',
  'token_endpoint',
  'userinfo_endpoint',
  'jwks_uri',
  'end_session_endpoint',
] as const;

/**
 * What upstream providers publish about themselves (OpenID Connect Discovery 1.0 §4), read when it is first needed and
 * kept: in memory, and in storage for nodes that start while the provider is down. What is old is used while it is
 * fetched again, so that no request waits for a slow provider.
 */
@Injectable()
export class UpstreamMetadata {
  private readonly logger = new Logger(UpstreamMetadata.name);
  private readonly known: RefreshingCache<Upstream, oauth.AuthorizationServer>;

  constructor(
    private readonly upstreams: UpstreamsService,
    private readonly egress: EgressClient,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.known = new RefreshingCache((upstream: Upstream) => this.discover(upstream), clock, {
      nameOf: nameOfUpstream,
      maxAgeMs: MAX_AGE,
      afterFailure: {
        floorMs: FAILURE_FLOOR,
        error: ({ displayName }) => new UpstreamUnavailableError(`${displayName} cannot be reached.`),
      },
    });
  }

  /** @throws UpstreamUnavailableError when it was never read and cannot be read now */
  async get(upstream: Upstream): Promise<oauth.AuthorizationServer> {
    const known = await this.remembered(upstream);
    if (known === undefined) return this.known.get(upstream);
    if (known.ageMs > MAX_AGE) this.refreshInBackground(upstream);
    return known.value;
  }

  /** As {@link get}, for callers that can do without. */
  async find(upstream: Upstream): Promise<oauth.AuthorizationServer | undefined> {
    try {
      return await this.get(upstream);
    } catch (error) {
      if (error instanceof UpstreamUnavailableError) return undefined;
      throw error;
    }
  }

  private async remembered(upstream: Upstream): Promise<Aged<oauth.AuthorizationServer> | undefined> {
    const known = this.known.peek(upstream);
    if (known !== undefined) return known;
    const stored = await this.upstreams.storedMetadata(upstream);
    if (stored === undefined) return undefined;
    const value = stored.metadata as unknown as oauth.AuthorizationServer;
    const ageMs = this.clock.now().getTime() - stored.at.getTime();
    this.known.put(upstream, value, ageMs);
    return { value, ageMs };
  }

  private refreshInBackground(upstream: Upstream): void {
    this.known.get(upstream).catch((error: unknown) => {
      const problem = error instanceof UpstreamUnavailableError ? error.description : codeOf(error);
      this.logger.warn(`metadata of upstream ${upstream.name} not refreshed: ${problem}`);
    });
  }

  private async discover(upstream: Upstream): Promise<oauth.AuthorizationServer> {
    const metadata = await this.request(upstream);
    // To the letter, which the library leaves to us (OpenID Connect Discovery 1.0 §4.3).
    if (metadata.issuer !== upstream.issuer)
      throw new UpstreamUnavailableError(`The metadata of ${upstream.displayName} names another issuer.`);
    const bad = ENDPOINTS.find((name) => metadata[name] !== undefined && !this.isUsable(metadata[name]));
    if (bad !== undefined)
      throw new UpstreamUnavailableError(`The metadata of ${upstream.displayName} has an unusable ${bad}.`);
    if (textProblem(metadata) !== undefined)
      throw new UpstreamUnavailableError(`The metadata of ${upstream.displayName} has text that cannot be kept.`);
    await this.upstreams.storeMetadata(upstream, { ...metadata });
    return metadata;
  }

  private async request(upstream: Upstream): Promise<oauth.AuthorizationServer> {
    try {
      const answer = await this.egress.request({
        method: 'GET',
        url: `${upstream.issuer.replace(/\/$/, '')}${OPENID_CONFIGURATION}`,
        headers: { accept: 'application/json' },
        timeoutMs: this.settings.upstreamTimeoutMs,
        maxBytes: MAX_BYTES,
      });
      const response = new Response(answer.body, { status: answer.status, headers: answer.headers });
      return await oauth.processDiscoveryResponse(new URL(upstream.issuer), response);
    } catch (cause) {
      const why = cause instanceof EgressError ? cause.code : 'its metadata is not valid';
      throw new UpstreamUnavailableError(`${upstream.displayName} cannot be used: ${why}.`, { cause });
    }
  }

  private isUsable(endpoint: unknown): boolean {
    return (
      typeof endpoint === 'string' &&
      redirectUriProblem(endpoint, {
        allowInsecure: this.settings.allowInsecureRedirectUris,
        allowPrivateUseScheme: false,
      }) === undefined
    );
  }
}
