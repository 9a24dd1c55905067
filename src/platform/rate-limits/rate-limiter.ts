import { createHash } from 'node:crypto';
import { RateLimiterRes, type RateLimiterPostgres } from 'rate-limiter-flexible';

/** What is counted for one key at the moment. */
export interface RateLimitState {
  readonly consumed: number;
  /** How long the next `consume` would have to wait; `undefined` while it would pass. */
  readonly secondsToWait: number | undefined;
}

/**
 * One limit: so many points per key in a window that begins with the key's first point. A key is one or more parts;
 * only its hash is stored, so neither a login nor an address stands in the table.
 *
 * A failure of storage is thrown: what cannot be counted is not let through.
 */
export class RateLimiter {
  constructor(private readonly counters: RateLimiterPostgres) {}

  /** Counts one. Returns the seconds to wait when that was one too many, else `undefined`. */
  async consume(...key: readonly string[]): Promise<number | undefined> {
    try {
      await this.counters.consume(hashOf(key));
      return undefined;
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) return toSeconds(refusal);
      throw refusal;
    }
  }

  /** Looks without counting. */
  async state(...key: readonly string[]): Promise<RateLimitState> {
    const found = await this.counters.get(hashOf(key));
    if (found === null) return { consumed: 0, secondsToWait: undefined };
    const exhausted = found.consumedPoints >= this.counters.points;
    return { consumed: found.consumedPoints, secondsToWait: exhausted ? toSeconds(found) : undefined };
  }

  /** Takes back one that was counted and turned out not to count. */
  async giveBack(...key: readonly string[]): Promise<void> {
    await this.counters.reward(hashOf(key));
  }

  /** Forgets what was counted for this key. */
  async reset(...key: readonly string[]): Promise<void> {
    await this.counters.delete(hashOf(key));
  }
}

function toSeconds(state: RateLimiterRes): number {
  return Math.max(1, Math.ceil(state.msBeforeNext / 1000));
}

function hashOf(key: readonly string[]): string {
  return createHash('sha256').update(key.join('\0')).digest('base64url');
}
