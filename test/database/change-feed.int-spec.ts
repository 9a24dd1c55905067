import { DataSource } from 'typeorm';
import { ChangeFeed } from '../../src/platform/database/change-feed.js';
import { dataSourceOptions } from '../../src/platform/database/data-source-options.js';
import { TransactionRunner } from '../../src/platform/database/transaction.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

describe('the change feed', () => {
  let db: TestDatabase;
  let dataSource: DataSource;
  let feed: ChangeFeed;
  let other: ChangeFeed;
  let runner: TransactionRunner;

  beforeAll(async () => {
    db = await createTestDatabase();
    dataSource = await new DataSource(dataSourceOptions(db.url, 4, [])).initialize();
    runner = new TransactionRunner(dataSource);
    [feed, other] = [new ChangeFeed(dataSource), new ChangeFeed(dataSource)];
    await Promise.all([feed.onModuleInit(), other.onModuleInit()]);
  });
  afterAll(async () => {
    await Promise.all([feed.onApplicationShutdown(), other.onApplicationShutdown()]);
    await dataSource.destroy();
    await db.drop();
  });

  it('tells every node, with the id, and only those who asked for the topic', async () => {
    const heard: (string | undefined)[][] = [[], [], []];
    feed.subscribe('client', (id) => heard[0]?.push(id));
    other.subscribe('client', (id) => heard[1]?.push(id));
    other.subscribe('keys', (id) => heard[2]?.push(id));
    await feed.publish(runner, 'client', 'a:b');
    await vi.waitUntil(() => heard[0]?.length === 1 && heard[1]?.length === 1);
    expect(heard).toEqual([['a:b'], ['a:b'], []]);
  });

  it('says nothing of a transaction that is rolled back', async () => {
    const heard: (string | undefined)[] = [];
    other.subscribe('deliveries', (id) => heard.push(id));
    const failing = runner.run(async (tx) => {
      await feed.publish(tx, 'deliveries', 'rolled-back');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await feed.publish(runner, 'deliveries', 'committed');
    await vi.waitUntil(() => heard.length > 0);
    expect(heard).toEqual(['committed']);
  });

  it('drops every cache after a lost connection, since notices may have been missed, and listens again', async () => {
    const heard: (string | undefined)[] = [];
    feed.subscribe('keys', (id) => heard.push(id));
    const gone = await db.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'exeunt-changes' AND datname = $1`,
      [db.name],
    );
    expect(gone).toHaveLength(2);
    await vi.waitUntil(() => heard.includes(undefined), { timeout: 10_000 });
    await feed.publish(runner, 'keys', 'after');
    await vi.waitUntil(() => heard.includes('after'), { timeout: 10_000 });
  });
});
