import { createHash } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HOUR } from '../../platform/clock/durations.js';
import { Clock } from '../../platform/clock/clock.js';
import { Retention } from '../../platform/database/retention.js';
import { statement } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { Sealer } from '../../platform/keys/sealer.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import { UpstreamAuthenticationEntity } from './entities/upstream-authentication.entity.js';
import type { Upstream } from './upstream.js';

/** As long as the interaction that it is for. */
const TTL_MS = HOUR;
const PURPOSE = 'upstream-authentication';

const CONSUME = statement(
  'upstream_authentications_consume',
  `DELETE FROM upstream_authentications
    WHERE state_hash = $1 AND upstream_id = $2 AND browser_hash = $3
   RETURNING purpose, max_age, expires_at, expires_at > $4::timestamptz AS in_time`,
);

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
export class UpstreamAuthentications implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly sealer: Sealer,
    private readonly clock: Clock,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register({
      table: 'upstream_authentications',
      key: 'state_hash',
      condition: 'expires_at < $1',
      keepMs: 0,
    });
  }

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
      maxAge: maxAge ?? null,
      expiresAt: this.clock.in(TTL_MS),
    };
    await this.transactions.run((tx) => tx.manager.insert(UpstreamAuthenticationEntity, row));
    return this.of(state, interactionId, maxAge, row.expiresAt, row.purpose);
  }

  /** Uses it up. Undefined: unknown, used, lapsed, another upstream's, or another browser's; then nothing happened. */
  async consume(upstream: Upstream, state: string, browserHash: Buffer): Promise<UpstreamAuthentication | undefined> {
    const [row] = await this.transactions.query<{
      purpose: string;
      max_age: number | null;
      expires_at: Date;
      in_time: boolean;
    }>(CONSUME, [sha256(state), upstream.id, browserHash, this.clock.now()]);
    if (row?.in_time !== true) return undefined;
    const purpose = this.sealer.open<{ interactionId: string }>(PURPOSE, row.purpose);
    return purpose === undefined
      ? undefined
      : this.of(state, purpose.interactionId, row.max_age ?? undefined, row.expires_at, row.purpose);
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
