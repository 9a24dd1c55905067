import { Injectable } from '@nestjs/common';
import { normalizeLogin, type SignInOutcome } from './account.js';
import { AccountRepository, toAccount } from './account.repository.js';
import { HasherBusyError, PasswordHasher } from './password-hasher.js';
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

  /**
   * Unknown login, disabled account and wrong password are one answer and take the same time.
   * @param login or an e-mail address
   * @param address where the attempt comes from, for the rate limits
   */
  async signIn(login: string, password: string, address: string): Promise<SignInOutcome> {
    const tooManyFrom = await this.limiter.attemptFrom(address);
    if (tooManyFrom !== undefined) return this.tooMany(tooManyFrom, address);
    const typed = normalizeLogin(login);
    const row = await this.accounts.findByPasswordName(typed);
    const name = row?.login ?? typed;
    const retryAfterSeconds = await this.limiter.attempt(name, address);
    if (retryAfterSeconds !== undefined) return this.tooMany(retryAfterSeconds, address);
    const usable = row?.disabled_at === null ? row : undefined;
    try {
      if (!(await this.hasher.verify(usable?.password_hash ?? null, password)) || usable === undefined) {
        await this.record.refused('wrong_credentials', address, row?.id);
        return { kind: 'wrong_credentials' };
      }
    } catch (error) {
      if (!(error instanceof HasherBusyError)) throw error;
      await this.limiter.notChecked(name, address);
      return { kind: 'busy' };
    }
    await this.limiter.succeeded(name, address);
    // Before the response: a sign-in that cannot be put on record is refused.
    await this.record.done(usable.id, address);
    return { kind: 'signed_in', account: toAccount(usable) };
  }

  private async tooMany(retryAfterSeconds: number, address: string): Promise<SignInOutcome> {
    await this.record.refused('too_many_attempts', address);
    return { kind: 'too_many_attempts', retryAfterSeconds };
  }
}
