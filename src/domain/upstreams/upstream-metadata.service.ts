import { Inject, Injectable, Logger } from '@nestjs/common';
import * as oauth from 'oauth4webapi';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { codeOf } from '../../platform/database/storage-errors.js';
import { EgressClient } from '../../platform/egress/egress.client.js';
import { EgressError } from '../../platform/egress/egress.js';
import { redirectUriProblem } from '../../platform/oidc/redirect-uri.js';
import { textProblem } from '../../platform/oidc/text.js';
import { UpstreamUnavailableError } from './upstream-errors.js';
import type { Upstream } from './upstream.js';
import { UpstreamsService } from './upstreams.service.js';

const MAX_AGE = 60 * 60_000;
/** After a failure no request waits for the same failure again. */
const FAILURE_FLOOR = 10_000;
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

interface Known {
  readonly metadata: oauth.AuthorizationServer;
  readonly at: number;
}

/**
 * What upstream providers publish about themselves (OpenID Connect Discovery 1.0 §4), read when it is first needed and
 * kept: in memory, and in storage for nodes that start while the provider is down. What is old is used while it is
 * fetched again, so that no request waits for a slow provider.
 */
@Injectable()
export class UpstreamMetadata {
  private readonly logger = new Logger(UpstreamMetadata.name);
  private readonly known = new Map<string, Known>();
  private readonly fetching = new Map<string, Promise<Known>>();
  private readonly failedAt = new Map<string, number>();

  constructor(
    private readonly upstreams: UpstreamsService,
    private readonly egress: EgressClient,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** @throws UpstreamUnavailableError when it was never read and cannot be read now */
  async get(upstream: Upstream): Promise<oauth.AuthorizationServer> {
    const known = await this.remembered(upstream);
    if (known === undefined) return (await this.fetch(upstream)).metadata;
    if (Date.now() - known.at > MAX_AGE) this.refreshInBackground(upstream);
    return known.metadata;
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

  private async remembered(upstream: Upstream): Promise<Known | undefined> {
    const known = this.known.get(keyOf(upstream));
    if (known !== undefined) return known;
    const stored = await this.upstreams.storedMetadata(upstream);
    if (stored === undefined) return undefined;
    return this.remember(upstream, stored.metadata as unknown as oauth.AuthorizationServer, stored.at.getTime());
  }

  private remember(upstream: Upstream, metadata: oauth.AuthorizationServer, at: number): Known {
    const known = { metadata, at };
    this.known.set(keyOf(upstream), known);
    return known;
  }

  private refreshInBackground(upstream: Upstream): void {
    this.fetch(upstream).catch((error: unknown) => {
      const problem = error instanceof UpstreamUnavailableError ? error.description : codeOf(error);
      this.logger.warn(`metadata of upstream ${upstream.name} not refreshed: ${problem}`);
    });
  }

  private fetch(upstream: Upstream): Promise<Known> {
    const key = keyOf(upstream);
    if (Date.now() - (this.failedAt.get(key) ?? 0) < FAILURE_FLOOR)
      return Promise.reject(new UpstreamUnavailableError(`${upstream.displayName} cannot be reached.`));
    let fetching = this.fetching.get(key);
    if (fetching === undefined) {
      fetching = this.discover(upstream)
        .catch((error: unknown) => {
          this.failedAt.set(key, Date.now());
          throw error;
        })
        .finally(() => this.fetching.delete(key));
      this.fetching.set(key, fetching);
    }
    return fetching;
  }

  private async discover(upstream: Upstream): Promise<Known> {
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
    this.failedAt.delete(keyOf(upstream));
    return this.remember(upstream, metadata, Date.now());
  }

  private async request(upstream: Upstream): Promise<oauth.AuthorizationServer> {
    try {
      const answer = await this.egress.request({
        method: 'GET',
        url: `${upstream.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
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

/** An upstream that was given another issuer is another one. */
function keyOf(upstream: Upstream): string {
  return `${upstream.id} ${upstream.issuer}`;
}
