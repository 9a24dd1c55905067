import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings.js';
import type { RateLimiter } from '../rate-limits/rate-limiter.js';
import { RateLimits } from '../rate-limits/rate-limits.js';

const MINUTE = 60;

/**
 * Bounds sign-in attempts per address and failures per account, on all nodes together.
 *
 * Failures of one account are counted per address first: somebody who guesses from elsewhere does not lock the person
 * out; only a flood from many addresses does, for a quarter of an hour.
 */
@Injectable()
export class SignInLimiter {
  private readonly attemptsOfAddress: RateLimiter;
  private readonly failuresHere: RateLimiter;
  private readonly failuresAnywhere: RateLimiter;

  constructor(limits: RateLimits, @Inject(SETTINGS) settings: Settings) {
    this.attemptsOfAddress = limits.limiter('sign_in_address', settings.signInAddressPerMinute, MINUTE);
    this.failuresHere = limits.limiter('sign_in_here', settings.signInAccountFailures, 15 * MINUTE);
    this.failuresAnywhere = limits.limiter('sign_in_account', settings.signInAccountFailures * 10, 15 * MINUTE);
  }

  /** Counts an attempt. Returns the seconds to wait when there were too many, else `undefined`. */
  async attempt(login: string, address: string): Promise<number | undefined> {
    const [wait, here, anywhere] = await Promise.all([
      this.attemptsOfAddress.consume(address),
      this.failuresHere.state(login, address),
      this.failuresAnywhere.state(login),
    ]);
    const longest = Math.max(wait ?? 0, here.secondsToWait ?? 0, anywhere.secondsToWait ?? 0);
    return longest > 0 ? longest : undefined;
  }

  async failed(login: string, address: string): Promise<void> {
    await Promise.all([this.failuresHere.consume(login, address), this.failuresAnywhere.consume(login)]);
  }

  async succeeded(login: string, address: string): Promise<void> {
    await this.failuresHere.reset(login, address);
  }
}
