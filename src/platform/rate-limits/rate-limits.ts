import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { expiredRows, Retention } from '../database/retention.js';
import { TransactionRunner } from '../database/transaction.js';
import { AddressLimiter, SUBSCRIBERS_PER_SITE } from './address-limiter.js';
import { RateLimitRepository } from './rate-limit.repository.js';
import { RateLimiter } from './rate-limiter.js';

const OVER = expiredRows({
  name: 'rate_limits_remove_over',
  table: 'rate_limits',
  key: 'key',
  condition: 'expire < (extract(epoch FROM :before) * 1000)::bigint',
  along: 'expire',
});

/** Makes limiters. They count in Postgres, so a limit holds over all nodes and outlives a restart. */
@Injectable()
export class RateLimits implements OnModuleInit {
  private readonly counters: RateLimitRepository;

  constructor(
    transactions: TransactionRunner,
    private readonly retention: Retention,
    clock: Clock,
  ) {
    this.counters = new RateLimitRepository(transactions, clock);
  }

  onModuleInit(): void {
    this.retention.register({ ...OVER, keepMs: 0 });
  }

  /**
   * A limit of `points` per key in `durationSeconds`.
   * @param name what is limited; limiters of one name, here or on another node, share their counters
   */
  limiter(name: string, points: number, durationSeconds: number): RateLimiter {
    return new RateLimiter(this.counters, { name, points, windowMs: durationSeconds * 1000 });
  }

  /** As {@link limiter}, by the address that a request comes from. */
  addressLimiter(name: string, points: number, durationSeconds: number): AddressLimiter {
    return new AddressLimiter(
      this.limiter(name, points, durationSeconds),
      this.limiter(`${name}_site`, points * SUBSCRIBERS_PER_SITE, durationSeconds),
    );
  }
}
