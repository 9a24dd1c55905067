import type { RateLimiter } from '../../platform/rate-limits/rate-limiter.js';

/** The limits that failures are counted for: of an account from one address, and from anywhere. */
export interface FailureLimits {
  readonly here: RateLimiter;
  readonly anywhere: RateLimiter;
}

/** Which attempts this process has under way, by the name of the account. */
export class AttemptsUnderWay {
  private readonly byLogin = new Map<string, Set<SignInAttempt>>();

  add(attempt: SignInAttempt): void {
    const attempts = this.byLogin.get(attempt.login) ?? new Set();
    this.byLogin.set(attempt.login, attempts.add(attempt));
  }

  remove(attempt: SignInAttempt): void {
    const attempts = this.byLogin.get(attempt.login);
    attempts?.delete(attempt);
    if (attempts?.size === 0) this.byLogin.delete(attempt.login);
  }

  othersThan(attempt: SignInAttempt): SignInAttempt[] {
    return [...(this.byLogin.get(attempt.login) ?? [])].filter((other) => other !== attempt);
  }
}

/**
 * One attempt at an account. What came of it is said once, by {@link succeeded}, {@link failed} or {@link notChecked}.
 *
 * It counts as a failure before the password is looked at, and is given back when it was right. Where there is no failure
 * to add it to, and no other attempt, that is put off until there is: nearly all sign-ins then count nothing.
 */
export class SignInAttempt {
  private counted: Promise<number | undefined> | undefined;
  private isLetIn = false;

  constructor(
    readonly login: string,
    private readonly network: string,
    private readonly limits: FailureLimits,
    private readonly underWay: AttemptsUnderWay,
  ) {}

  /**
   * Begins it. Returns the seconds to wait when there were too many; then it is over.
   * @param tooManyFrom what the limit of the address says, asked in the same statement
   */
  async begin(tooManyFrom: Promise<number | undefined>): Promise<number | undefined> {
    this.underWay.add(this);
    try {
      const wait = await this.secondsToWait(tooManyFrom);
      this.isLetIn = wait === undefined;
      return wait;
    } finally {
      if (!this.isLetIn) this.underWay.remove(this);
    }
  }

  /** The password was right: the failures that came before it, from this address, are forgotten. */
  succeeded(): Promise<void> {
    return this.end(async () => {
      if (await this.wasCounted())
        await Promise.all([
          this.limits.here.reset(this.login, this.network),
          this.limits.anywhere.giveBack(this.login),
        ]);
    });
  }

  /** The password was wrong, or it is not known what came of it. */
  failed(): Promise<void> {
    return this.end(async () => void (await this.count()));
  }

  /** The password was not looked at after all. */
  notChecked(): Promise<void> {
    return this.end(async () => {
      if (await this.wasCounted())
        await Promise.all([
          this.limits.here.giveBack(this.login, this.network),
          this.limits.anywhere.giveBack(this.login),
        ]);
    });
  }

  private async secondsToWait(tooManyFrom: Promise<number | undefined>): Promise<number | undefined> {
    const [tooMany, here, anywhere] = await Promise.all([
      tooManyFrom,
      this.limits.here.state(this.login, this.network),
      this.limits.anywhere.state(this.login),
    ]);
    if (tooMany !== undefined) return tooMany;
    const others = this.underWay.othersThan(this);
    if (others.length === 0 && here.consumed <= 0 && anywhere.consumed <= 0) return undefined;
    await Promise.all(others.filter((other) => other.isLetIn).map((other) => other.count()));
    return this.count();
  }

  /** One after the other: what is refused here must not count against the account everywhere. */
  private count(): Promise<number | undefined> {
    const { here, anywhere } = this.limits;
    this.counted ??= here
      .consume(this.login, this.network)
      .then(async (wait) => wait ?? (await anywhere.consume(this.login)));
    return this.counted;
  }

  private async wasCounted(): Promise<boolean> {
    if (this.counted === undefined) return false;
    await this.counted;
    return true;
  }

  private async end(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } finally {
      // Not before it is counted: until then another one has to ask.
      this.underWay.remove(this);
    }
  }
}
