import { Injectable } from '@nestjs/common';
import { normalizeLogin, type SignInOutcome } from './account.js';
import { AccountRepository, toAccount } from './account.repository.js';
import { HasherBusyError, PasswordHasher } from './password-hasher.js';
import type { SignInAttempt } from './sign-in-attempt.js';
import { SignInLimiter } from './sign-in-limiter.js';
import { SignInRecord } from './sign-in-record.js';

/** Checks passwords, within the limits for attempts, and puts each attempt on record. */
@Injectable()
export class PasswordSignIn {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly hasher: PasswordHasher,
    private readonly limiter: SignInLimiter,
    private readonly record: SignInRecord,
  ) {}

  /** As {@link check}, and a right password is on record as a sign-in before this returns. */
  async signIn(login: string, password: string, address: string): Promise<SignInOutcome> {
    const outcome = await this.check(login, password, address);
    // Before the response: a sign-in that cannot be put on record is refused.
    if (outcome.kind === 'signed_in') await this.record.done(outcome.account.id, address);
    return outcome;
  }

  /**
   * A right password is not on record yet: the caller puts it there with what it begins, by `SignInRecord`.
   *
   * Unknown login, disabled account and wrong password are one answer and take the same time.
   * @param login or an e-mail address
   * @param address where the attempt comes from, for the rate limits
   */
  async check(login: string, password: string, address: string): Promise<SignInOutcome> {
    const typed = normalizeLogin(login);
    const row = await this.accounts.findByPasswordName(typed);
    const attempt = await this.limiter.attempt(row?.login ?? typed, address);
    if (typeof attempt === 'number') return this.tooMany(attempt, address);
    const usable = row?.disabled_at === null ? row : undefined;
    const isRight = await this.verify(attempt, usable?.password_hash ?? null, password);
    if (isRight === 'busy') return { kind: 'busy' };
    if (!isRight || usable === undefined) {
      await this.record.refused('wrong_credentials', address, row?.id);
      return { kind: 'wrong_credentials' };
    }
    return { kind: 'signed_in', account: toAccount(usable) };
  }

  /** Whether the password is right, and that the attempt knows. */
  private async verify(attempt: SignInAttempt, hash: string | null, password: string): Promise<boolean | 'busy'> {
    let isRight: boolean;
    try {
      isRight = await this.hasher.verify(hash, password);
    } catch (error) {
      if (!(error instanceof HasherBusyError)) {
        await attempt.failed();
        throw error;
      }
      await attempt.notChecked();
      return 'busy';
    }
    await (isRight ? attempt.succeeded() : attempt.failed());
    return isRight;
  }

  private async tooMany(retryAfterSeconds: number, address: string): Promise<SignInOutcome> {
    await this.record.refused('too_many_attempts', address);
    return { kind: 'too_many_attempts', retryAfterSeconds };
  }
}
