import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { SignInAttempt } from '../../src/domain/accounts/sign-in-attempt.js';
import { SignInLimiter } from '../../src/domain/accounts/sign-in-limiter.js';
import { loadSettings } from '../../src/platform/config/settings.js';
import { dataSourceOptions } from '../../src/platform/database/data-source-options.js';
import { isStorageFailure } from '../../src/platform/database/storage-errors.js';
import { TransactionRunner } from '../../src/platform/database/transaction.js';
import { RateLimits } from '../../src/platform/rate-limits/rate-limits.js';
import { TestClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { retentionOf } from '../support/retention.js';

const FAILURES = 3;
const HOME = '192.0.2.1';

interface Node {
  readonly dataSource: DataSource;
  readonly limiter: SignInLimiter;
  readonly limits: RateLimits;
  /** The names of the statements that it sent. */
  readonly sent: string[];
}

describe('attempts at signing in', () => {
  let db: TestDatabase;
  let here: Node;
  let there: Node;
  /** Another one in each test. */
  let mia: string;
  const clock = new TestClock();

  async function startNode(): Promise<Node> {
    const dataSource = await new DataSource(dataSourceOptions(db.url, 4, [])).initialize();
    const pool = (dataSource.driver as unknown as { master: Pool }).master;
    const sent: string[] = [];
    const query = pool.query.bind(pool) as (question: { name: string }) => Promise<unknown>;
    pool.query = ((question: { name: string }) => {
      sent.push(question.name);
      return query(question);
    }) as typeof pool.query;
    const transactions = new TransactionRunner(dataSource);
    const limits = new RateLimits(transactions, retentionOf(dataSource, clock), clock);
    const settings = { ...loadSettings({}), signInAccountFailures: FAILURES, signInAddressPerMinute: 1000 };
    return { dataSource, limits, limiter: new SignInLimiter(limits, settings), sent };
  }

  beforeAll(async () => {
    db = await createTestDatabase();
    [here, there] = [await startNode(), await startNode()];
  });
  afterAll(async () => {
    await Promise.all([here.dataSource.destroy(), there.dataSource.destroy()]);
    await db.drop();
  });
  beforeEach(async () => {
    await db.query('TRUNCATE rate_limits');
    here.sent.length = 0;
    mia = randomUUID();
  });

  const points = async (name: string): Promise<number[]> =>
    (
      await db.query<{ points: number }>(`SELECT points FROM rate_limits WHERE key LIKE $1 || ':%' ORDER BY 1`, [name])
    ).map((row) => row.points);
  async function letIn(node: Node, login: string, address = HOME): Promise<SignInAttempt> {
    const attempt = await node.limiter.attempt(login, address);
    if (typeof attempt === 'number') throw new Error(`refused for ${attempt} s`);
    return attempt;
  }
  const begun = async (node: Node, login: string, n: number): Promise<SignInAttempt[]> =>
    (await Promise.all(Array.from({ length: n }, () => node.limiter.attempt(login, HOME)))).filter(
      (attempt) => attempt instanceof SignInAttempt,
    );

  it('one at an account without failures takes one statement, and counts for the address alone', async () => {
    await (await letIn(here, mia)).succeeded();
    expect(here.sent).toEqual(['rate_limits_count']);
    expect(await points('sign_in_address')).toEqual([1]);
    expect([await points('sign_in_here'), await points('sign_in_account')]).toEqual([[], []]);
  });

  it('many at once, of one address, write its row a few times', async () => {
    const attempts = await Promise.all(Array.from({ length: 50 }, (_, n) => letIn(here, `person-${n}`)));
    await Promise.all(attempts.map((attempt) => attempt.succeeded()));
    expect(here.sent.length).toBeLessThanOrEqual(4);
    expect(await points('sign_in_address')).toEqual([50]);
  });

  it('a wrong one is counted, and forgotten after a right one from there', async () => {
    const wrong = await letIn(here, mia);
    await wrong.failed();
    expect([await points('sign_in_here'), await points('sign_in_account')]).toEqual([[1], [1]]);
    await (await letIn(there, mia)).succeeded();
    expect([await points('sign_in_here'), await points('sign_in_account')]).toEqual([[], [1]]);
  });

  it('one that was not looked at counts for nothing', async () => {
    await (await letIn(here, mia)).failed();
    await (await letIn(here, mia)).notChecked();
    expect([await points('sign_in_here'), await points('sign_in_account')]).toEqual([[1], [1]]);
    await (await letIn(here, 'tom')).notChecked();
    expect([await points('sign_in_here'), await points('sign_in_account')]).toEqual([[1], [1]]);
  });

  it('a burst lets in as many as the limit says', async () => {
    expect(await begun(here, mia, 20)).toHaveLength(FAILURES);
    expect(await points('sign_in_account')).toEqual([FAILURES]);
  });

  it('one that is under way and not counted yet is, as soon as another comes', async () => {
    const first = await letIn(here, mia);
    expect(await points('sign_in_here')).toEqual([]);
    const others = await begun(here, mia, 20);
    expect(others).toHaveLength(FAILURES - 1);
    for (const attempt of [first, ...others]) await attempt.failed();
    expect([await points('sign_in_account'), typeof (await here.limiter.attempt(mia, HOME))]).toEqual([
      [FAILURES],
      'number',
    ]);
  });

  it('one that was counted because another came, and was right, forgets what came before it', async () => {
    const first = await letIn(here, mia);
    const second = await letIn(here, mia);
    await first.succeeded();
    await second.failed();
    expect([await points('sign_in_here'), await points('sign_in_account')]).toEqual([[], [1]]);
  });

  it('on two nodes at once no more than one above the limit is let in', async () => {
    const first = [await letIn(here, mia), await letIn(there, mia)];
    const others = [...(await begun(here, mia, 10)), ...(await begun(there, mia, 10))];
    expect(first.length + others.length).toBeLessThanOrEqual(FAILURES + 1);
    for (const attempt of [...first, ...others]) await attempt.failed();
    expect(typeof (await there.limiter.attempt(mia, HOME))).toBe('number');
  });

  it('when storage fails it is refused, and leaves nothing behind', async () => {
    await db.query('ALTER TABLE rate_limits RENAME TO rate_limits_away');
    const failure: unknown = await letIn(here, mia).catch((error: unknown) => error);
    await db.query('ALTER TABLE rate_limits_away RENAME TO rate_limits');
    expect(isStorageFailure(failure)).toBe(true);
    await (await letIn(here, mia)).succeeded();
    expect([await points('sign_in_here'), await points('sign_in_account')]).toEqual([[], []]);
  });

  it('points of one batch count one after the other, and what is only looked at is not written', async () => {
    const limiter = here.limits.limiter('knocks', 10, 60);
    const [before, ...waits] = await Promise.all([
      limiter.state(mia),
      ...Array.from({ length: 12 }, () => limiter.consume(mia)),
    ]);
    expect(before).toEqual({ consumed: 0, secondsToWait: undefined });
    expect(waits).toEqual([...Array.from({ length: 10 }, () => undefined), 60, 60]);
    expect(here.sent).toEqual(['rate_limits_count']);
    expect(await limiter.state('tom')).toEqual({ consumed: 0, secondsToWait: undefined });
    expect(await points('knocks')).toEqual([12]);
  });
});
