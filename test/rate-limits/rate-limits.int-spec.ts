import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/platform/database/data-source-options.js';
import { Retention } from '../../src/platform/database/retention.js';
import { TransactionRunner } from '../../src/platform/database/transaction.js';
import type { RateLimiter } from '../../src/platform/rate-limits/rate-limiter.js';
import { RateLimits } from '../../src/platform/rate-limits/rate-limits.js';
import { TestClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { retentionOf } from '../support/retention.js';

const MINUTE_SECONDS = 60;

interface Node {
  readonly dataSource: DataSource;
  readonly limits: RateLimits;
  readonly retention: Retention;
}

describe('rate limits', () => {
  let db: TestDatabase;
  let here: Node;
  let there: Node;
  const clock = new TestClock();

  async function startNode(): Promise<Node> {
    const dataSource = await new DataSource(dataSourceOptions(db.url, 4, [])).initialize();
    const retention = retentionOf(dataSource, clock);
    const limits = new RateLimits(new TransactionRunner(dataSource), retention, clock);
    limits.onModuleInit();
    return { dataSource, limits, retention };
  }

  beforeAll(async () => {
    db = await createTestDatabase();
    [here, there] = [await startNode(), await startNode()];
  });
  afterAll(async () => {
    await here.dataSource.destroy();
    await there.dataSource.destroy();
    await db.drop();
  });
  beforeEach(() => db.query('TRUNCATE rate_limits'));

  const limiterOf = (node: Node, points = 3, name = 'knocks'): RateLimiter =>
    node.limits.limiter(name, points, MINUTE_SECONDS);
  const verdicts = async (calls: Promise<number | undefined>[]): Promise<boolean[]> =>
    (await Promise.all(calls)).map((wait) => wait === undefined);

  it('lets through as many as there are points, then says how long to wait', async () => {
    const limiter = limiterOf(here);
    for (let n = 0; n < 3; n += 1) expect(await limiter.consume('mia')).toBeUndefined();
    const wait = await limiter.consume('mia');
    expect(wait).toBeGreaterThan(MINUTE_SECONDS - 10);
    expect(wait).toBeLessThanOrEqual(MINUTE_SECONDS);
    expect(await limiter.consume('tom')).toBeUndefined();
  });

  it('is one limit on two nodes, however many ask at once', async () => {
    const limiters = [limiterOf(here, 10), limiterOf(there, 10)];
    const calls = Array.from({ length: 30 }, (_, n) => (limiters[n % 2] as RateLimiter).consume('mia'));
    expect((await verdicts(calls)).filter(Boolean)).toHaveLength(10);
  });

  it('counts each name and each key by itself, and parts of a key do not run together', async () => {
    const limiter = limiterOf(here, 1);
    expect(
      await verdicts([
        limiter.consume('a', 'bc'),
        limiter.consume('ab', 'c'),
        limiter.consume('abc'),
        limiterOf(here, 1, 'rings').consume('abc'),
      ]),
    ).toEqual([true, true, true, true]);
    expect(await verdicts([limiter.consume('a', 'bc'), limiter.consume('abc')])).toEqual([false, false]);
  });

  it('shows the state without counting, and what the next one would be told', async () => {
    const [limiter, other] = [limiterOf(here, 2), limiterOf(there, 2)];
    expect(await limiter.state('mia')).toEqual({ consumed: 0, secondsToWait: undefined });
    await limiter.consume('mia');
    expect(await other.state('mia')).toEqual({ consumed: 1, secondsToWait: undefined });
    expect(await other.state('mia')).toEqual({ consumed: 1, secondsToWait: undefined });
    await limiter.consume('mia');
    const state = await other.state('mia');
    expect(state.consumed).toBe(2);
    expect(state.secondsToWait).toBeGreaterThan(0);
  });

  it('forgets a key that is reset, on the other node too', async () => {
    const [limiter, other] = [limiterOf(here, 1), limiterOf(there, 1)];
    await limiter.consume('mia');
    expect(await other.consume('mia')).toBeDefined();
    await limiter.reset('mia');
    expect(await other.consume('mia')).toBeUndefined();
  });

  it('begins anew when the window is over', async () => {
    const limiter = limiterOf(here, 1);
    await limiter.consume('mia');
    expect(await limiter.consume('mia')).toBeDefined();
    await db.query('UPDATE rate_limits SET expire = expire - $1', [MINUTE_SECONDS * 1000]);
    expect(await limiter.state('mia')).toEqual({ consumed: 0, secondsToWait: undefined });
    expect(await limiter.consume('mia')).toBeUndefined();
  });

  it('stores no key in clear', async () => {
    await limiterOf(here).consume('mia@example.com', '203.0.113.7');
    const [row] = await db.query<{ key: string }>('SELECT key FROM rate_limits');
    expect(row?.key).toMatch(/^knocks:[\w-]{43}$/);
  });

  it('leaves the table when the window is over, and not before', async () => {
    await verdicts([limiterOf(here).consume('mia'), limiterOf(here).consume('tom')]);
    const now = clock.now().getTime();
    await db.query('UPDATE rate_limits SET expire = $1', [now + 1]);
    expect(await here.retention.sweep()).toBe(0);
    await db.query('UPDATE rate_limits SET expire = $1 WHERE key = (SELECT min(key) FROM rate_limits)', [now - 1]);
    expect(await here.retention.sweep()).toBe(1);
    expect(await db.query('SELECT 1 FROM rate_limits')).toHaveLength(1);
  });

  it('lets nobody through when it cannot count', async () => {
    await db.query('ALTER TABLE rate_limits RENAME TO rate_limits_away');
    try {
      await expect(limiterOf(here).consume('mia')).rejects.toThrow('rate_limits');
      await expect(limiterOf(here).state('mia')).rejects.toThrow('rate_limits');
    } finally {
      await db.query('ALTER TABLE rate_limits_away RENAME TO rate_limits');
    }
  });
});
