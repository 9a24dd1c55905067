import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { HOUR } from '../../platform/clock/durations.js';
import { Clock } from '../../platform/clock/clock.js';
import { Sealer } from '../../platform/keys/sealer.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import { UpstreamAuthenticationRepository } from './upstream-authentication.repository.js';
import type { Upstream } from './upstream.js';

/** As long as the interaction that it is for. */
const TTL_MS = HOUR;
const PURPOSE = 'upstream-authentication';

/** One round trip of a browser to an upstream: what it takes along, and what its answer is checked against. */
export interface UpstreamAuthentication {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly maxAge: number | undefined;
  /** When the browser left. */
  readonly leftAt: Date;
  /** The interaction that the sign-in is for. */
  readonly interactionId: string;
}

/**
 * Round trips that are under way. Each is of one browser and comes back once
 * (docs/threat-model.md#callback-used-twice).
 */
@Injectable()
export class UpstreamAuthentications {
  constructor(
    private readonly sealer: Sealer,
    private readonly clock: Clock,
    private readonly repository: UpstreamAuthenticationRepository,
  ) {}

  async begin(
    upstream: Upstream,
    interactionId: string,
    browserHash: Buffer,
    maxAge: number | undefined,
  ): Promise<UpstreamAuthentication> {
    const state = newSecret();
    const row = {
      stateHash: sha256(state),
      upstreamId: upstream.id,
      browserHash,
      purpose: this.sealer.seal(PURPOSE, { interactionId }, TTL_MS),
      maxAge,
      expiresAt: this.clock.in(TTL_MS),
    };
    await this.repository.insert(row);
    return this.of(state, interactionId, maxAge, row.expiresAt, row.purpose);
  }

  /** Uses it up. Undefined: unknown, used, lapsed, another upstream's, or another browser's; then nothing happened. */
  async consume(upstream: Upstream, state: string, browserHash: Buffer): Promise<UpstreamAuthentication | undefined> {
    const row = await this.repository.consume({ stateHash: sha256(state), upstreamId: upstream.id, browserHash });
    if (row === undefined) return undefined;
    const purpose = this.sealer.open<{ interactionId: string }>(PURPOSE, row.purpose);
    return purpose === undefined
      ? undefined
      : this.of(state, purpose.interactionId, row.maxAge, row.expiresAt, row.purpose);
  }

  /**
   * Nonce and verifier follow from `state` by a key that only we have, so neither is stored: by the one that sealed
   * the `purpose`, since the key may be rotated while the person is at the other provider.
   */
  private of(
    state: string,
    interactionId: string,
    maxAge: number | undefined,
    expiresAt: Date,
    purpose: string,
  ): UpstreamAuthentication {
    return {
      state,
      nonce: this.sealer.mac('upstream-nonce', state, purpose),
      codeVerifier: this.sealer.mac('upstream-code-verifier', state, purpose),
      maxAge,
      leftAt: new Date(expiresAt.getTime() - TTL_MS),
      interactionId,
    };
  }
}

/** RFC 7636 §4.2 */
export function codeChallengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}
