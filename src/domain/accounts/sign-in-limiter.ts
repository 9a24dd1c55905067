import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import type { AddressLimiter } from '../../platform/rate-limits/address-limiter.js';
import type { RateLimiter } from '../../platform/rate-limits/rate-limiter.js';
import { RateLimits } from '../../platform/rate-limits/rate-limits.js';
import { subscriberOf } from '../../platform/rate-limits/source-address.js';

const MINUTE_SECONDS = 60;

/**
 * Bounds sign-in attempts per address and failures per account, on all nodes together.
 *
 * An attempt is counted as a failure before the password is looked at, and given back when it was right: however many
 * come at once, no more are checked than the limit says. Failures of one account are counted per address first, so a
 * guesser elsewhere does not lock the person out; only a flood from many addresses does, for a quarter of an hour.
 */
@Injectable()
export class SignInLimiter {
  private readonly attemptsOfAddress: AddressLimiter;
  private readonly failuresHere: RateLimiter;
  private readonly failuresAnywhere: RateLimiter;

  constructor(limits: RateLimits, @Inject(SETTINGS) settings: Settings) {
    this.attemptsOfAddress = limits.addressLimiter('sign_in_address', settings.signInAddressPerMinute, MINUTE_SECONDS);
    this.failuresHere = limits.limiter('sign_in_here', settings.signInAccountFailures, 15 * MINUTE_SECONDS);
    this.failuresAnywhere = limits.limiter('sign_in_account', settings.signInAccountFailures * 10, 15 * MINUTE_SECONDS);
  }

  /** Counts an attempt from there, for whichever account. Returns the seconds to wait when there were too many. */
  attemptFrom(address: string): Promise<number | undefined> {
    return this.attemptsOfAddress.consume(address);
  }

  /**
   * Counts an attempt at an account, under one name whichever of its names was typed. Returns the seconds to wait when
   * there were too many, else `undefined`: then the caller tells what came of it by {@link succeeded} or
   * {@link notChecked}; silence is a failure.
   */
  async attempt(login: string, address: string): Promise<number | undefined> {
    // One after the other: what is refused here must not count against the account everywhere.
    return (
      (await this.failuresHere.consume(login, subscriberOf(address))) ?? (await this.failuresAnywhere.consume(login))
    );
  }

  /** The password was right: the failures that came before it, from this address, are forgotten. */
  async succeeded(login: string, address: string): Promise<void> {
    await Promise.all([this.failuresHere.reset(login, subscriberOf(address)), this.failuresAnywhere.giveBack(login)]);
  }

  /** The password was not looked at after all. */
  async notChecked(login: string, address: string): Promise<void> {
    await Promise.all([
      this.failuresHere.giveBack(login, subscriberOf(address)),
      this.failuresAnywhere.giveBack(login),
    ]);
  }
}
