import { Injectable, type OnModuleInit } from '@nestjs/common';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import { DataSource } from 'typeorm';
import { expiredRows, Retention } from '../database/retention.js';
import { AddressLimiter, SUBSCRIBERS_PER_SITE } from './address-limiter.js';
import { RateLimiter } from './rate-limiter.js';

const OVER = expiredRows({
  name: 'rate_limits_remove_over',
  table: 'rate_limits',
  key: 'key',
  condition: 'expire < extract(epoch FROM :before) * 1000',
  along: 'expire',
});

/** Makes limiters. They count in Postgres, so a limit holds over all nodes and outlives a restart. */
@Injectable()
export class RateLimits implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register({ ...OVER, keepMs: 0 });
  }

  /**
   * A limit of `points` per key in `durationSeconds`.
   * @param name what is limited; limiters of one name, here or on another node, share their counters
   */
  limiter(name: string, points: number, durationSeconds: number): RateLimiter {
    return new RateLimiter(
      new RateLimiterPostgres({
        storeClient: this.dataSource,
        storeType: 'typeorm',
        tableName: 'rate_limits',
        tableCreated: true, // by our migration
        clearExpiredByTimeout: false, // by Retention
        keyPrefix: name,
        points,
        duration: durationSeconds,
      }),
    );
  }

  /** As {@link limiter}, by the address that a request comes from. */
  addressLimiter(name: string, points: number, durationSeconds: number): AddressLimiter {
    return new AddressLimiter(
      this.limiter(name, points, durationSeconds),
      this.limiter(`${name}_site`, points * SUBSCRIBERS_PER_SITE, durationSeconds),
    );
  }
}
