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
  wrong: number;
  /** Guesses that are being looked at: any of them may be wrong. */
  underWay: number;
  readonly until: number;
  /** Guesses that begin when one of those is decided. */
  readonly waiting: (() => void)[];
}

const REMEMBERED_KEYS = 100_000;
const LONGEST_NAME = 128;

/**
 * Bounds wrong guesses without a round trip for those who are right, who are nearly all.
 *
 * A guess is counted in memory before it is looked at, in the same turn of the event loop, so that no burst gets past the
 * limit of this node. Where as many are being looked at as may still be wrong, the next one waits until one of them is decided: many
 * who are right may come at once, such as after a while in which storage was away, and none of them is refused. A wrong one is
 * counted in storage too, and what is used up there is refused here from then on: a limit holds over all nodes but for the one
 * guess that each needs to find out.
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

  /** @internal One guess more for each key, or for none at all. @returns undefined: it has to wait for one of those */
  begin(keys: ReadonlyArray<readonly string[]>): readonly Count[] | undefined {
    const now = this.clock.now().getTime();
    const counts = keys.map((key, n) => this.countOf(n, key, now));
    const full = counts.filter((count, n) => count.wrong >= this.pointsOf(n));
    if (full.length > 0) {
      const seconds = Math.ceil((Math.max(...full.map(({ until }) => until)) - now) / 1000);
      throw new TooManyRequestsError('Too many wrong guesses. Wait before you try again.', Math.max(1, seconds));
    }
    if (counts.some((count, n) => this.isBusy(count, n))) return undefined;
    for (const count of counts) count.underWay += 1;
    return counts;
  }

  /** @internal Resolves when a guess that is in the way has been decided. */
  async decided(keys: ReadonlyArray<readonly string[]>): Promise<void> {
    const now = this.clock.now().getTime();
    const busy = keys.map((key, n) => this.countOf(n, key, now)).find((count, n) => this.isBusy(count, n));
    if (busy !== undefined) await new Promise<void>((resolve) => busy.waiting.push(resolve));
  }

  /** @internal */
  decide(counts: readonly Count[], wrong: boolean): void {
    for (const count of counts) {
      count.underWay -= 1;
      if (wrong) count.wrong += 1;
    }
    for (const { waiting } of counts) for (const begin of waiting.splice(0)) begin();
  }

  /** @internal Tells the other nodes, and learns from them. */
  async share(keys: ReadonlyArray<readonly string[]>): Promise<void> {
    await Promise.all(
      this.limits.map(async ({ points, shared }, n) => {
        const key = keys[n] ?? [];
        const secondsToWait = await shared.consume(...key);
        if (secondsToWait === undefined) return;
        const now = this.clock.now().getTime();
        const { waiting } = this.countOf(n, key, now);
        this.counts.set(nameOf(n, key), { wrong: points, underWay: 0, waiting, until: now + secondsToWait * 1000 });
      }),
    );
  }

  private pointsOf(n: number): number {
    return this.limits[n]?.points ?? 0;
  }

  /** Whether so many are under way that one more might be one too many. */
  private isBusy({ wrong, underWay }: Count, n: number): boolean {
    return underWay > 0 && wrong + underWay >= this.pointsOf(n);
  }

  private countOf(n: number, key: readonly string[], now: number): Count {
    const name = nameOf(n, key);
    const known = this.counts.get(name);
    if (known !== undefined && known.until > now) return known;
    const fresh = { wrong: 0, underWay: 0, until: now + this.windowMs, waiting: [] };
    this.counts.set(name, fresh);
    return fresh;
  }
}

/** One guess: begun before it is looked at, then right or wrong. */
export class GuessAttempt {
  private counts: readonly Count[] | undefined;

  constructor(
    private readonly limiter: GuessLimiter,
    private readonly keys: ReadonlyArray<readonly string[]>,
  ) {}

  /**
   * Undefined, as nearly always: it may be looked at. Else when that resolves.
   * @throws TooManyRequestsError, also later: then it must not be looked at
   */
  begin(): Promise<void> | undefined {
    if (this.counts !== undefined) return undefined;
    this.counts = this.limiter.begin(this.keys);
    return this.counts === undefined ? this.beginLater() : undefined;
  }

  /** It was right, or could not be looked at. */
  giveBack(): void {
    this.decide(false);
  }

  /** It was wrong. @throws what storage throws */
  async failed(): Promise<void> {
    if (this.decide(true)) await this.limiter.share(this.keys);
  }

  private async beginLater(): Promise<void> {
    while (this.counts === undefined) {
      await this.limiter.decided(this.keys);
      this.counts = this.limiter.begin(this.keys);
    }
  }

  private decide(wrong: boolean): boolean {
    const { counts } = this;
    this.counts = undefined;
    if (counts !== undefined) this.limiter.decide(counts, wrong);
    return counts !== undefined;
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
