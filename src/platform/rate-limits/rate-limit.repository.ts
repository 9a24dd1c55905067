import type { Clock } from '../clock/clock.js';
import { StatementBatch } from '../database/statement-batch.js';
import { statement } from '../database/statement.js';
import type { TransactionRunner } from '../database/transaction.js';
import { listed } from '../database/sql-text.js';

/** What is counted for a key, in the window that is open; `until` is its end, in milliseconds since 1970. */
export interface RateLimitCount {
  readonly points: number;
  readonly until: number | undefined;
}

/**
 * Any number of counts: the points of one key are summed, so that its row is written once, and each item gets the count as
 * if they had come one after the other. An item of no points only looks. Rows are locked in the order of their keys.
 */
const COUNT = statement({
  name: 'rate_limits_count',
  parameters: { key: 'text[]', points: 'int[]', until: 'bigint[]', now: 'bigint' },
  row: { place: 'int', points: 'int', until: 'bigint?' },
  text: `
    WITH x AS (
      SELECT * FROM ${listed(':key', ':points', ':until')} WITH ORDINALITY x(key, points, until, place)
    ), summed AS (
      SELECT x.key, sum(x.points)::int AS points, max(x.until) AS until FROM x WHERE x.points <> 0 GROUP BY x.key
    ), counted AS (
      INSERT INTO rate_limits AS r (key, points, expire)
      SELECT s.key, s.points, s.until FROM summed s ORDER BY s.key
      ON CONFLICT (key) DO UPDATE
         SET points = CASE WHEN r.expire > :now THEN r.points ELSE 0 END + excluded.points,
             expire = CASE WHEN r.expire > :now THEN r.expire ELSE excluded.expire END
      RETURNING r.key, r.points, r.expire
    )
    SELECT x.place::int AS place,
           (coalesce(c.points - s.points, found.points, 0) + sum(x.points) OVER (PARTITION BY x.key ORDER BY x.place))::int AS points,
           coalesce(c.expire, found.expire) AS until
      FROM x
      LEFT JOIN summed s ON s.key = x.key
      LEFT JOIN counted c ON c.key = x.key
      LEFT JOIN LATERAL (
        SELECT r.points, r.expire FROM rate_limits r WHERE r.key = x.key AND r.expire > :now AND s.key IS NULL OFFSET 0
      ) found ON true`,
});

const FORGET = statement({
  name: 'rate_limits_forget',
  parameters: { key: 'text' },
  text: 'DELETE FROM rate_limits WHERE key = :key',
});

/** The counters of all limits. */
export class RateLimitRepository {
  /** One at a time, so that no two of a process wait for a row that many requests count on, such as that of an address. */
  private readonly counts;

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
  ) {
    this.counts = new StatementBatch(transactions, COUNT, {
      // A point must not be counted twice.
      repeatable: false,
      limits: { underWay: 1 },
      shared: () => ({ now: this.now() }),
    });
  }

  /** @param windowMs how long a window is that these points begin */
  async add(key: string, points: number, windowMs: number): Promise<RateLimitCount> {
    const row = await this.counts.run({ key, points, until: this.now() + windowMs });
    // What is not counted must not pass for nothing counted.
    if (row === undefined) throw new Error('a count of a limit has no row');
    return { points: row.points, until: row.until === null ? undefined : Number(row.until) };
  }

  async forget(key: string): Promise<void> {
    await this.transactions.query(FORGET, { key });
  }

  /** From now until then, in milliseconds. */
  timeTo(until: number): number {
    return until - this.now();
  }

  private now(): number {
    return this.clock.now().getTime();
  }
}
