import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { DataSource } from 'typeorm';
import { SETTINGS, type Settings } from '../config/settings.js';

const MINUTE = 60;

/**
 * Bounds sign-in attempts per address and failures per account, counted in Postgres so that they hold on every node.
 *
 * Failures of one account are counted per address first: somebody who guesses from elsewhere does not lock the person
 * out; only a flood from many addresses does, for a quarter of an hour.
 */
@Injectable()
export class SignInLimiter {
  private readonly attemptsOfAddress: RateLimiterPostgres;
  private readonly failuresHere: RateLimiterPostgres;
  private readonly failuresAnywhere: RateLimiterPostgres;

  constructor(dataSource: DataSource, @Inject(SETTINGS) settings: Settings) {
    const limiter = (keyPrefix: string, points: number, duration: number) =>
      new RateLimiterPostgres({
        storeClient: dataSource,
        storeType: 'typeorm',
        tableName: 'rate_limits',
        tableCreated: true, // by our migration
        clearExpiredByTimeout: false, // by Retention
        keyPrefix,
        points,
        duration,
      });
    this.attemptsOfAddress = limiter('sign_in_address', settings.signInAddressPerMinute, MINUTE);
    this.failuresHere = limiter('sign_in_here', settings.signInAccountFailures, 15 * MINUTE);
    this.failuresAnywhere = limiter('sign_in_account', settings.signInAccountFailures * 10, 15 * MINUTE);
  }

  /** Counts an attempt. Returns the seconds to wait when there were too many, else `undefined`. */
  async attempt(login: string, address: string): Promise<number | undefined> {
    const waits = await Promise.all([
      secondsToWait(() => this.attemptsOfAddress.consume(keyOf(address))),
      this.secondsUntilFailuresLapse(this.failuresHere, keyOf(login, address)),
      this.secondsUntilFailuresLapse(this.failuresAnywhere, keyOf(login)),
    ]);
    const longest = Math.max(...waits.map((wait) => wait ?? 0));
    return longest > 0 ? longest : undefined;
  }

  async failed(login: string, address: string): Promise<void> {
    await Promise.all([
      secondsToWait(() => this.failuresHere.consume(keyOf(login, address))),
      secondsToWait(() => this.failuresAnywhere.consume(keyOf(login))),
    ]);
  }

  async succeeded(login: string, address: string): Promise<void> {
    await this.failuresHere.delete(keyOf(login, address));
  }

  private async secondsUntilFailuresLapse(limiter: RateLimiterPostgres, key: string): Promise<number | undefined> {
    const state = await limiter.get(key);
    return state !== null && state.consumedPoints >= limiter.points ? toSeconds(state) : undefined;
  }
}

async function secondsToWait(consume: () => Promise<RateLimiterRes>): Promise<number | undefined> {
  try {
    await consume();
    return undefined;
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return toSeconds(refusal);
    throw refusal;
  }
}

function toSeconds(state: RateLimiterRes): number {
  return Math.max(1, Math.ceil(state.msBeforeNext / 1000));
}

/** Hashed: neither a login nor an address stands in the table. */
function keyOf(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('base64url');
}
