import { Injectable } from '@nestjs/common';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { RefreshingCache } from '../../platform/cache/refreshing-cache.js';
import { Clock } from '../../platform/clock/clock.js';
import { MINUTE, SECOND } from '../../platform/clock/durations.js';
import { EgressClient } from '../../platform/egress/egress.client.js';
import { EgressError } from '../../platform/egress/egress.js';
import { InvalidClientError } from '../../platform/oidc/errors.js';
import { usableKeys } from './client-keys.js';
import type { Client } from './client.js';

const MAX_AGE = 10 * MINUTE;
const REFETCH_FLOOR = 10 * SECOND;
const TIMEOUT = 3 * SECOND;

/** @throws JWKSInvalid for what is no set of keys */
function keySet(set: unknown): JWTVerifyGetKey {
  const { keys } = (set ?? {}) as { readonly keys?: unknown };
  if (!Array.isArray(keys)) throw new errors.JWKSInvalid('JSON Web Key Set malformed');
  return createLocalJWKSet({ keys: usableKeys(keys) } as JSONWebKeySet);
}

/** Public keys of clients: registered by value, or fetched from `jwks_uri` through the egress guard and cached. */
@Injectable()
export class ClientJwks {
  /** Callers that need the same keys meanwhile wait for the same request: a burst of assertions is no burst of requests. */
  private readonly fetched: RefreshingCache<string, JWTVerifyGetKey>;

  constructor(
    private readonly egress: EgressClient,
    clock: Clock,
  ) {
    const options = { nameOf: (uri: string) => uri, maxAgeMs: MAX_AGE, refreshFloorMs: REFETCH_FLOOR };
    this.fetched = new RefreshingCache((uri: string) => this.request(uri), clock, options);
  }

  /** Resolves the key of an assertion. An unknown `kid` refetches, at most once in ten seconds. */
  keysOf(client: Client): JWTVerifyGetKey {
    const { jwks, jwks_uri: uri } = client.metadata;
    if (jwks !== undefined) return keySet(jwks);
    if (uri === undefined) throw new InvalidClientError('This client has no registered keys.');
    return async (header, token) => {
      const keys = await this.fetched.get(uri);
      try {
        return await keys(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        return (await this.fetched.refresh(uri))(header, token);
      }
    };
  }

  private async request(uri: string): Promise<JWTVerifyGetKey> {
    try {
      const response = await this.egress.request({
        method: 'GET',
        url: uri,
        headers: { accept: 'application/json' },
        timeoutMs: TIMEOUT,
      });
      if (response.status !== 200) throw new InvalidClientError(`The client's jwks_uri answered ${response.status}.`);
      return keySet(JSON.parse(response.body));
    } catch (error) {
      if (error instanceof EgressError || error instanceof errors.JOSEError || error instanceof SyntaxError) {
        throw new InvalidClientError("The client's keys could not be read from its jwks_uri.", { cause: error });
      }
      throw error;
    }
  }
}
