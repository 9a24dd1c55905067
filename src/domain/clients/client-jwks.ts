import { Injectable } from '@nestjs/common';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import { EgressClient } from '../../platform/egress/egress.client.js';
import { EgressError } from '../../platform/egress/egress.js';
import { InvalidClientError } from '../../platform/oidc/errors.js';
import { usableKeys } from './client-keys.js';
import type { Client } from './client.js';

const MAX_AGE = 10 * 60_000;
const REFETCH_FLOOR = 10_000;
const TIMEOUT = 3000;

/** @throws JWKSInvalid for what is no set of keys */
function keySet(set: unknown): JWTVerifyGetKey {
  const { keys } = (set ?? {}) as { readonly keys?: unknown };
  if (!Array.isArray(keys)) throw new errors.JWKSInvalid('JSON Web Key Set malformed');
  return createLocalJWKSet({ keys: usableKeys(keys) } as JSONWebKeySet);
}

interface Fetched {
  readonly getKey: JWTVerifyGetKey;
  readonly at: number;
}

/** Public keys of clients: registered by value, or fetched from `jwks_uri` through the egress guard and cached. */
@Injectable()
export class ClientJwks {
  private readonly fetched = new LRUCache<string, Fetched>({ max: 1000, ttl: MAX_AGE });
  /**
   * Callers that need the same keys meanwhile wait for the same request, so that a burst of assertions does not become
   * a burst of our requests.
   */
  private readonly fetching = new Map<string, Promise<Fetched>>();

  constructor(private readonly egress: EgressClient) {}

  /** Resolves the key of an assertion. An unknown `kid` refetches, at most once in ten seconds. */
  keysOf(client: Client): JWTVerifyGetKey {
    const { jwks, jwks_uri: uri } = client.metadata;
    if (jwks !== undefined) return keySet(jwks);
    if (uri === undefined) throw new InvalidClientError('This client has no registered keys.');
    return async (header, token) => {
      const cached = this.fetched.get(uri) ?? (await this.fetch(uri));
      try {
        return await cached.getKey(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || Date.now() - cached.at < REFETCH_FLOOR) throw error;
        return (await this.fetch(uri)).getKey(header, token);
      }
    };
  }

  private fetch(uri: string): Promise<Fetched> {
    let fetching = this.fetching.get(uri);
    if (fetching === undefined) {
      fetching = this.request(uri).finally(() => this.fetching.delete(uri));
      this.fetching.set(uri, fetching);
    }
    return fetching;
  }

  private async request(uri: string): Promise<Fetched> {
    try {
      const response = await this.egress.request({
        method: 'GET',
        url: uri,
        headers: { accept: 'application/json' },
        timeoutMs: TIMEOUT,
      });
      if (response.status !== 200) throw new InvalidClientError(`The client's jwks_uri answered ${response.status}.`);
      const fetched = { getKey: keySet(JSON.parse(response.body)), at: Date.now() };
      this.fetched.set(uri, fetched);
      return fetched;
    } catch (error) {
      if (error instanceof EgressError || error instanceof errors.JOSEError || error instanceof SyntaxError) {
        throw new InvalidClientError("The client's keys could not be read from its jwks_uri.", { cause: error });
      }
      throw error;
    }
  }
}
