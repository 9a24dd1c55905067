import type { RateLimiter } from './rate-limiter.js';
import { siteOf, subscriberOf } from './source-address.js';

/** How many subscribers of one IPv6 site may use up their points at once: a site has 256 of them. */
export const SUBSCRIBERS_PER_SITE = 8;

/**
 * One limit by where requests come from. An IPv6 address counts for its /64, and its /56 has a limit of its own, so
 * that the owner of a network does not have as many tries as it has addresses.
 *
 * A failure of storage is thrown: what cannot be counted is not let through.
 */
export class AddressLimiter {
  constructor(
    private readonly subscribers: RateLimiter,
    private readonly sites: RateLimiter,
  ) {}

  /** Counts one. Returns the seconds to wait when that was one too many, else `undefined`. */
  async consume(address: string): Promise<number | undefined> {
    const site = siteOf(address);
    const waits = await Promise.all([
      this.subscribers.consume(subscriberOf(address)),
      ...(site === undefined ? [] : [this.sites.consume(site)]),
    ]);
    const longest = Math.max(...waits.map((wait) => wait ?? 0));
    return longest > 0 ? longest : undefined;
  }
}
