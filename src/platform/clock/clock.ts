import { Injectable } from '@nestjs/common';

/** The only source of the time of day, so that tests set it and nothing waits. */
@Injectable()
export class Clock {
  now(): Date {
    return new Date();
  }

  /** Whole seconds since 1970, as JWT claims want them (RFC 7519 §2 NumericDate). */
  seconds(): number {
    return Math.floor(this.now().getTime() / 1000);
  }

  /** The moment `ms` milliseconds from now. */
  in(ms: number): Date {
    return new Date(this.now().getTime() + ms);
  }

  /** Milliseconds that only go forward, for telling how old something is: this clock is never set back. */
  steady(): number {
    return performance.now();
  }

  /** Seconds by which this clock is ahead of the machine's, for libraries that look at that one. */
  skewSeconds(): number {
    return this.seconds() - Math.floor(Date.now() / 1000);
  }
}
