import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock/clock.js';
import { TooManyRequestsError } from '../oidc/errors.js';
import type { RateLimiter } from './rate-limiter.js';

/** One limit that guesses are held against: so many per key, here and on every other node. */
export interface GuessLimit {
  readonly points: number;
  readonly shared: RateLimiter;
}

interface Count {
  used: number;
  readonly until: number;
}

const REMEMBERED_KEYS = 100_000;
const LONGEST_NAME = 128;

/**
 * Bounds wrong guesses without a round trip for those who are right, who are nearly all.
 *
 * A guess is counted in memory before it is looked at, in the same turn of the event loop, so that no burst gets past the
 * limit of this node; when it was right it is given back. A wrong one is counted in storage too, and what is used up
 * there is refused here from then on: a limit holds over all nodes but for the one guess that each needs to find out.
 */
export class GuessLimiter {
  private readonly counts = new LRUCache<string, Count>({ max: REMEMBERED_KEYS });

  constructor(
    private readonly limits: readonly GuessLimit[],
    private readonly windowMs: number,
    private readonly clock: Clock,
  ) {}

  /** @param keys what the guess is held against: one key for each limit, in their order */
  attempt(keys: ReadonlyArray<readonly string[]>): GuessAttempt {
    return new GuessAttempt(this, keys);
  }

  /** @internal Counts one for each key, or none at all. */
  begin(keys: ReadonlyArray<readonly string[]>): void {
    const now = this.clock.now().getTime();
    const counts = keys.map((key, n) => this.countOf(n, key, now));
    const full = counts.filter((count, n) => count.used >= (this.limits[n]?.points ?? 0));
    if (full.length > 0) {
      const seconds = Math.ceil((Math.max(...full.map(({ until }) => until)) - now) / 1000);
      throw new TooManyRequestsError('Too many wrong guesses. Wait before you try again.', Math.max(1, seconds));
    }
    for (const count of counts) count.used += 1;
  }

  /** @internal */
  giveBack(keys: ReadonlyArray<readonly string[]>): void {
    const now = this.clock.now().getTime();
    for (const [n, key] of keys.entries()) {
      const count = this.countOf(n, key, now);
      count.used = Math.max(0, count.used - 1);
    }
  }

  /** @internal Tells the other nodes, and learns from them. */
  async share(keys: ReadonlyArray<readonly string[]>): Promise<void> {
    await Promise.all(
      this.limits.map(async ({ points, shared }, n) => {
        const key = keys[n] ?? [];
        const secondsToWait = await shared.consume(...key);
        if (secondsToWait === undefined) return;
        const until = this.clock.now().getTime() + secondsToWait * 1000;
        this.counts.set(nameOf(n, key), { used: points, until });
      }),
    );
  }

  private countOf(n: number, key: readonly string[], now: number): Count {
    const name = nameOf(n, key);
    const known = this.counts.get(name);
    if (known !== undefined && known.until > now) return known;
    const fresh = { used: 0, until: now + this.windowMs };
    this.counts.set(name, fresh);
    return fresh;
  }
}

/** One guess: begun before it is looked at, then right or wrong. */
export class GuessAttempt {
  private begun = false;

  constructor(
    private readonly limiter: GuessLimiter,
    private readonly keys: ReadonlyArray<readonly string[]>,
  ) {}

  /** @throws TooManyRequestsError: then it must not be looked at */
  begin(): void {
    if (this.begun) return;
    this.limiter.begin(this.keys);
    this.begun = true;
  }

  /** It was right, or could not be looked at. */
  giveBack(): void {
    if (this.begun) this.limiter.giveBack(this.keys);
    this.begun = false;
  }

  /** It was wrong. @throws what storage throws */
  async failed(): Promise<void> {
    if (this.begun) await this.limiter.share(this.keys);
    this.begun = false;
  }
}

/**
 * What a count is remembered under. Whatever is guessed at is text of anybody's, as long as a body may be: longer ones are
 * remembered by their hash, so that what is kept is bounded in size and not in number alone.
 */
export function nameOf(n: number, key: readonly string[]): string {
  const name = [String(n), ...key].join('\0');
  return name.length <= LONGEST_NAME ? name : `${n}#${createHash('sha256').update(name).digest('base64url')}`;
}
