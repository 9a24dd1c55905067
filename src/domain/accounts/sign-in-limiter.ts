import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import type { AddressLimiter } from '../../platform/rate-limits/address-limiter.js';
import { RateLimits } from '../../platform/rate-limits/rate-limits.js';
import { subscriberOf } from '../../platform/rate-limits/source-address.js';
import { AttemptsUnderWay, SignInAttempt, type FailureLimits } from './sign-in-attempt.js';

const MINUTE_SECONDS = 60;

/**
 * Bounds sign-in attempts per address and failures per account, on all nodes together.
 *
 * An attempt counts as a failure before the password is looked at, and is given back when it was right: however many come
 * at once, no more are checked than the limit says, but for one that each further node may have under way at an account
 * without failures. Failures of one account are counted per address first, so a guesser elsewhere does not lock the person
 * out; only a flood from many addresses does, for a quarter of an hour.
 */
@Injectable()
export class SignInLimiter {
  private readonly attemptsOfAddress: AddressLimiter;
  private readonly failures: FailureLimits;
  private readonly underWay = new AttemptsUnderWay();

  constructor(limits: RateLimits, @Inject(SETTINGS) settings: Settings) {
    const { signInAddressPerMinute, signInAccountFailures } = settings;
    this.attemptsOfAddress = limits.addressLimiter('sign_in_address', signInAddressPerMinute, MINUTE_SECONDS);
    this.failures = {
      here: limits.limiter('sign_in_here', signInAccountFailures, 15 * MINUTE_SECONDS),
      anywhere: limits.limiter('sign_in_account', signInAccountFailures * 10, 15 * MINUTE_SECONDS),
    };
  }

  /**
   * Begins an attempt at an account, under one name whichever of its names was typed: one statement, as a rule. Returns
   * the seconds to wait when there were too many, else the attempt, which has to be ended.
   */
  async attempt(login: string, address: string): Promise<SignInAttempt | number> {
    const attempt = new SignInAttempt(login, subscriberOf(address), this.failures, this.underWay);
    return (await attempt.begin(this.attemptsOfAddress.consume(address))) ?? attempt;
  }
}
