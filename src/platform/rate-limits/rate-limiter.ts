import { createHash } from 'node:crypto';
import type { RateLimitCount, RateLimitRepository } from './rate-limit.repository.js';

/** What is counted for one key at the moment. */
export interface RateLimitState {
  readonly consumed: number;
  /** How long the next `consume` would have to wait; `undefined` while it would pass. */
  readonly secondsToWait: number | undefined;
}

export interface RateLimit {
  /** What is limited: limiters of one name share their counters. */
  readonly name: string;
  readonly points: number;
  readonly windowMs: number;
}

/**
 * One limit: so many points per key in a window that begins with the key's first point. A key is one or more parts;
 * only its hash is stored, so neither a login nor an address stands in the table.
 *
 * What is asked in the same turn of the event loop, of whichever limits, goes to storage as one statement.
 *
 * A failure of storage is thrown: what cannot be counted is not let through.
 */
export class RateLimiter {
  constructor(
    private readonly counters: RateLimitRepository,
    private readonly limit: RateLimit,
  ) {}

  /** Counts one. Returns the seconds to wait when that was one too many, else `undefined`. */
  async consume(...key: readonly string[]): Promise<number | undefined> {
    const count = await this.add(key, 1);
    return count.points > this.limit.points ? this.secondsTo(count) : undefined;
  }

  /** Looks without counting. */
  async state(...key: readonly string[]): Promise<RateLimitState> {
    const count = await this.add(key, 0);
    return {
      consumed: count.points,
      secondsToWait: count.points >= this.limit.points ? this.secondsTo(count) : undefined,
    };
  }

  /** Takes back one that was counted and turned out not to count. */
  async giveBack(...key: readonly string[]): Promise<void> {
    await this.add(key, -1);
  }

  /** Forgets what was counted for this key. */
  async reset(...key: readonly string[]): Promise<void> {
    await this.counters.forget(this.nameOf(key));
  }

  private add(key: readonly string[], points: number): Promise<RateLimitCount> {
    return this.counters.add(this.nameOf(key), points, this.limit.windowMs);
  }

  private nameOf(key: readonly string[]): string {
    return `${this.limit.name}:${createHash('sha256').update(key.join('\0')).digest('base64url')}`;
  }

  private secondsTo({ until }: RateLimitCount): number {
    return Math.max(1, Math.ceil(this.counters.timeTo(until ?? 0) / 1000));
  }
}
