import { Inject, Injectable, Logger } from '@nestjs/common';
import {
  createLocalJWKSet,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  type JWTVerifyResult,
} from 'jose';
import { RefreshingCache } from '../../platform/cache/refreshing-cache.js';
import { Clock } from '../../platform/clock/clock.js';
import { DAY, MINUTE, SECOND } from '../../platform/clock/durations.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { EgressClient } from '../../platform/egress/egress.client.js';
import { EgressError } from '../../platform/egress/egress.js';
import { isUnusableKey } from '../../platform/oidc/unusable-key.js';
import { UpstreamUnavailableError } from './upstream-errors.js';
import { UpstreamMetadata } from './upstream-metadata.service.js';
import { nameOfUpstream, type Upstream } from './upstream.js';

const MAX_AGE = 10 * MINUTE;
/** While it cannot be fetched again, what is older than {@link MAX_AGE} still counts, but not for ever. */
const MAX_STALE = DAY;
const REFETCH_FLOOR = 10 * SECOND;
/** Short, so that a retry and a person who tries again are not kept waiting once the provider is back. */
const FAILURE_FLOOR = SECOND;
const MAX_BYTES = 256 * 1024;

/**
 * Verifies what upstream providers sign. Their keys are fetched through the egress guard, cached, and fetched again
 * when none of them fits: for an unknown `kid`, and for a signature that is not good, since a provider with one key may
 * replace it under the same `kid`, or use none (OpenID Connect Core 1.0 §10.1). At most once in ten seconds, or once in
 * a second while they cannot be had, so that a caller cannot make us query at will.
 *
 * Two failures are kept apart: the signature is wrong (a {@link errors.JOSEError}), and it cannot be checked because
 * the keys cannot be had ({@link UpstreamUnavailableError}), which must never be taken for a forgery
 * (docs/threat-model.md#identifier-burnt-before-the-work).
 */
@Injectable()
export class UpstreamKeys {
  private readonly logger = new Logger(UpstreamKeys.name);
  private readonly cache: RefreshingCache<Upstream, JWTVerifyGetKey>;

  constructor(
    private readonly metadata: UpstreamMetadata,
    private readonly egress: EgressClient,
    clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.cache = new RefreshingCache((upstream: Upstream) => this.request(upstream), clock, {
      nameOf: nameOfUpstream,
      maxAgeMs: MAX_AGE,
      refreshFloorMs: REFETCH_FLOOR,
      afterFailure: {
        floorMs: FAILURE_FLOOR,
        error: ({ displayName }) => new UpstreamUnavailableError(`The keys of ${displayName} cannot be had just now.`),
      },
    });
  }

  /** @throws errors.JOSEError when the token is not good, UpstreamUnavailableError when that cannot be found out */
  async verify(upstream: Upstream, token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
    try {
      return await this.verifyByCurrent(upstream, token, options);
    } catch (cause) {
      if (!isUnusableKey(cause)) throw cause;
      throw new UpstreamUnavailableError(`The keys of ${upstream.displayName} cannot be used.`, { cause });
    }
  }

  private async verifyByCurrent(
    upstream: Upstream,
    token: string,
    options: JWTVerifyOptions,
  ): Promise<JWTVerifyResult> {
    const keys = await this.current(upstream);
    try {
      return await verifyWith(keys, token, options);
    } catch (error) {
      if (!mayBeOfANewKey(error)) throw error;
      const next = await this.cache.refresh(upstream);
      if (next === keys) throw error;
      return verifyWith(next, token, options);
    }
  }

  private async current(upstream: Upstream): Promise<JWTVerifyGetKey> {
    try {
      return await this.cache.get(upstream);
    } catch (error) {
      const old = this.cache.peek(upstream);
      if (!(error instanceof UpstreamUnavailableError) || old === undefined || old.ageMs > MAX_STALE) throw error;
      const minutes = Math.round(old.ageMs / MINUTE);
      this.logger.warn(`keys of upstream ${upstream.name} are ${minutes} minutes old and still used`);
      return old.value;
    }
  }

  private async request(upstream: Upstream): Promise<JWTVerifyGetKey> {
    const { jwks_uri: url } = await this.metadata.get(upstream);
    if (url === undefined) throw new UpstreamUnavailableError(`${upstream.displayName} publishes no keys.`);
    try {
      const answer = await this.egress.request({
        method: 'GET',
        url,
        headers: { accept: 'application/json' },
        timeoutMs: this.settings.upstreamTimeoutMs,
        maxBytes: MAX_BYTES,
      });
      if (answer.status !== 200) throw new EgressError('failed');
      return createLocalJWKSet(JSON.parse(answer.body) as JSONWebKeySet);
    } catch (cause) {
      const why = cause instanceof EgressError ? cause.code : 'they are not valid';
      throw new UpstreamUnavailableError(`The keys of ${upstream.displayName} cannot be had: ${why}.`, { cause });
    }
  }
}

function mayBeOfANewKey(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;
}

/** A token without `kid` may fit several keys: then one of them must have signed it. */
async function verifyWith(keys: JWTVerifyGetKey, token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options);
      } catch (inner) {
        // Not this key; perhaps the next one.
        if (!(inner instanceof errors.JWSSignatureVerificationFailed)) throw inner;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}
