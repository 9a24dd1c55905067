import { availableParallelism } from 'node:os';
import { Injectable, Optional } from '@nestjs/common';
import type { Options } from '@node-rs/argon2';
import pLimit from 'p-limit';
import { later } from '../../platform/later/later.js';
import { Tracing } from '../../platform/tracing/tracing.js';
import { TemporarilyUnavailableError } from '../../platform/oidc/errors.js';
import { normalPassword, readingsOf } from './passwords.js';

const argon2 = later('@node-rs/argon2', () => import('@node-rs/argon2'));

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

/** Threads that Node has for work off the event loop unless `UV_THREADPOOL_SIZE` says another number (libuv). */
const DEFAULT_THREADS = 4;

/** The hasher has more work than it can do in time. */
export class HasherBusyError extends TemporarilyUnavailableError {}

/**
 * How many passwords are hashed at once: as many as there are cores for it, and always fewer than there are threads, since
 * RS256 signatures, look-ups of names and files need one, too.
 * @param threads of the thread pool, as `UV_THREADPOOL_SIZE` has it
 */
export function hashesAtOnce(cores: number, threads: string | undefined): number {
  const size = threads === undefined ? DEFAULT_THREADS : Math.max(1, Number.parseInt(threads, 10) || 0);
  return Math.max(1, Math.min(Math.max(2, cores - 1), size - 1));
}

/**
 * argon2id with bounded work: so many at a time (19 MiB each) and so many waiting, first come first served, so that a
 * burst of sign-ins cannot exhaust memory nor starve everything else of the thread pool.
 */
@Injectable()
export class PasswordHasher {
  private readonly limit = pLimit(hashesAtOnce(availableParallelism(), process.env.UV_THREADPOOL_SIZE));

  constructor(@Optional() private readonly tracing: Tracing = new Tracing()) {}

  /** Of the password's normal form. @throws HasherBusyError */
  hash(password: string): Promise<string> {
    return this.bounded(async () => (await argon2()).hash(normalPassword(password), PARAMETERS));
  }

  /** With no stored hash it does the same work and answers false. @throws HasherBusyError */
  verify(stored: string | null, password: string): Promise<boolean> {
    return this.bounded(async () => {
      const { verify } = await argon2();
      for (const reading of readingsOf(password)) {
        if ((await verify(stored ?? NOBODY, reading)) && stored !== null) return true;
      }
      return false;
    });
  }

  /** How many passwords are being hashed, and how many wait, at this moment. */
  get work(): { readonly underWay: number; readonly waiting: number } {
    return { underWay: this.limit.activeCount, waiting: this.limit.pendingCount };
  }

  private bounded<T>(work: () => Promise<T>): Promise<T> {
    if (this.limit.pendingCount >= MAX_WAITING)
      throw new HasherBusyError('Too many passwords are being checked just now. Please try again.');
    return this.tracing.within(this.tracing.child('password hash', 'internal'), () => this.limit(work));
  }
}
