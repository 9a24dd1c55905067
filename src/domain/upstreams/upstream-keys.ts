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
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { EgressClient } from '../../platform/egress/egress.client.js';
import { EgressError } from '../../platform/egress/egress.js';
import { isUnusableKey } from '../../platform/oidc/unusable-key.js';
import { UpstreamUnavailableError } from './upstream-errors.js';
import { UpstreamMetadata } from './upstream-metadata.service.js';
import type { Upstream } from './upstream.js';

const MAX_AGE = 10 * 60_000;
/** While it cannot be fetched again, what is older than {@link MAX_AGE} still counts, but not for ever. */
const MAX_STALE = 24 * 60 * 60_000;
const REFETCH_FLOOR = 10_000;
/** Short, so that a retry and a person who tries again are not kept waiting once the provider is back. */
const FAILURE_FLOOR = 1000;
const MAX_BYTES = 256 * 1024;

interface Keys {
  readonly getKey: JWTVerifyGetKey;
  readonly at: number;
}

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
  private readonly cache = new Map<string, Keys>();
  private readonly fetching = new Map<string, Promise<Keys>>();
  private readonly failedAt = new Map<string, number>();

  constructor(
    private readonly metadata: UpstreamMetadata,
    private readonly egress: EgressClient,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

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
      if (!mayBeOfANewKey(error) || Date.now() - keys.at < REFETCH_FLOOR) throw error;
      return verifyWith(await this.fetch(upstream), token, options);
    }
  }

  private async current(upstream: Upstream): Promise<Keys> {
    const cached = this.cache.get(keyOf(upstream));
    if (cached === undefined) return this.fetch(upstream);
    const age = Date.now() - cached.at;
    if (age <= MAX_AGE) return cached;
    try {
      return await this.fetch(upstream);
    } catch (error) {
      if (!(error instanceof UpstreamUnavailableError) || age > MAX_STALE) throw error;
      this.logger.warn(`keys of upstream ${upstream.name} are ${Math.round(age / 60_000)} minutes old and still used`);
      return cached;
    }
  }

  private fetch(upstream: Upstream): Promise<Keys> {
    const key = keyOf(upstream);
    if (Date.now() - (this.failedAt.get(key) ?? 0) < FAILURE_FLOOR)
      return Promise.reject(
        new UpstreamUnavailableError(`The keys of ${upstream.displayName} cannot be had just now.`),
      );
    let fetching = this.fetching.get(key);
    if (fetching === undefined) {
      fetching = this.load(upstream, key).finally(() => this.fetching.delete(key));
      this.fetching.set(key, fetching);
    }
    return fetching;
  }

  private async load(upstream: Upstream, key: string): Promise<Keys> {
    try {
      const keys = await this.request(upstream);
      this.cache.set(key, keys);
      this.failedAt.delete(key);
      return keys;
    } catch (error) {
      this.failedAt.set(key, Date.now());
      throw error;
    }
  }

  private async request(upstream: Upstream): Promise<Keys> {
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
      return { getKey: createLocalJWKSet(JSON.parse(answer.body) as JSONWebKeySet), at: Date.now() };
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
async function verifyWith(keys: Keys, token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, keys.getKey, options);
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

function keyOf(upstream: Upstream): string {
  return `${upstream.id} ${upstream.issuer}`;
}
