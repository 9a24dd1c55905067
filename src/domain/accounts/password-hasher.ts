import { availableParallelism } from 'node:os';
import { Injectable } from '@nestjs/common';
import { hash, verify, type Options } from '@node-rs/argon2';
import pLimit from 'p-limit';
import { normalPassword, readingsOf } from './passwords.js';

/** OWASP Password Storage Cheat Sheet: argon2id (the library's default), 19 MiB, 2 passes, 1 lane. */
const PARAMETERS: Options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * The hash of a password that no account has: compared with when there is no account, so that both cases take as long.
 */
const NOBODY = '$argon2id$v=19$m=19456,t=2,p=1$kT3fbGFXkT6iVCsdwXJq5A$SDN15m0phvVTsWY1C5MUDjo47GMq9s1oBfxxGnZFOOY';

/**
 * When more than this wait, further ones are refused with a time to come back, instead of waiting longer than a browser
 * does.
 */
const MAX_WAITING = 200;

/** The hasher has more work than it can do in time. */
export class HasherBusyError extends Error {}

/**
 * argon2id with bounded work: so many at a time (19 MiB each) and so many waiting, so that a burst of sign-ins cannot
 * exhaust memory nor starve everything else of the thread pool.
 */
@Injectable()
export class PasswordHasher {
  private readonly limit = pLimit(Math.max(2, Math.min(4, availableParallelism() - 1)));

  /** Of the password's normal form. */
  hash(password: string): Promise<string> {
    return this.bounded(() => hash(normalPassword(password), PARAMETERS));
  }

  /** With no stored hash it does the same work and answers false. @throws HasherBusyError */
  verify(stored: string | null, password: string): Promise<boolean> {
    return this.bounded(async () => {
      for (const reading of readingsOf(password)) {
        if ((await verify(stored ?? NOBODY, reading)) && stored !== null) return true;
      }
      return false;
    });
  }

  private bounded<T>(work: () => Promise<T>): Promise<T> {
    if (this.limit.pendingCount >= MAX_WAITING) throw new HasherBusyError('too many passwords are being checked');
    return this.limit(work);
  }
}
