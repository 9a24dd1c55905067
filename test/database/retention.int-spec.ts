import pg from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/platform/database/data-source-options.js';
import { expiredRows, Retention } from '../../src/platform/database/retention.js';
import { DAY, HOUR, TestClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { retentionOf } from '../support/retention.js';

const ruleOf = (table: string, key = 'id') => ({
  ...expiredRows({ name: `test_remove_${table}`, table, key, condition: 'fell_at < :before', along: 'fell_at' }),
  keepMs: DAY,
});
const RULE = ruleOf('leaves');
const [BRANCHES, ROOTS, TWIGS] = [ruleOf('branches'), ruleOf('roots'), ruleOf('twigs', 'leaf_id')];

describe('retention', () => {
  let db: TestDatabase;
  let dataSource: DataSource;
  let retention: Retention;
  const clock = new TestClock();

  beforeAll(async () => {
    db = await createTestDatabase({ empty: true });
    await db.query('CREATE TABLE leaves (id int PRIMARY KEY, fell_at timestamptz NOT NULL)');
    await db.query('CREATE TABLE batches (txid bigint, n int)');
    await db.query(`
      CREATE FUNCTION count_batch() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO batches SELECT txid_current(), count(*) FROM gone; RETURN NULL; END $$`);
    await db.query(`
      CREATE TRIGGER count_batch AFTER DELETE ON leaves REFERENCING OLD TABLE AS gone
      FOR EACH STATEMENT EXECUTE FUNCTION count_batch()`);
    dataSource = await new DataSource(dataSourceOptions(db.url, 4, [])).initialize();
    retention = retentionOf(dataSource, clock);
    retention.register(RULE);
  });
  afterAll(async () => {
    await retention.onApplicationShutdown();
    await dataSource.destroy();
    await db.drop();
  });
  beforeEach(() => db.query('TRUNCATE leaves, batches CASCADE'));

  const fall = (count: number, ageMs: number, from = 0): Promise<unknown> =>
    db.query('INSERT INTO leaves SELECT g, $2 FROM generate_series($3::int, $3::int + $1::int - 1) g', [
      count,
      new Date(clock.now().getTime() - ageMs),
      from,
    ]);
  const left = async (): Promise<number> => (await db.query('SELECT 1 FROM leaves')).length;

  it('removes what has been kept long enough and nothing younger', async () => {
    await fall(3, DAY + 1);
    await fall(2, DAY - HOUR, 100);
    expect(await retention.sweep()).toBe(3);
    expect(await left()).toBe(2);
    expect(await retention.sweep()).toBe(0);
  });

  it('removes in batches, each a transaction of its own (threat-model#rows-never-go)', async () => {
    await fall(2500, 2 * DAY);
    expect(await retention.sweep()).toBe(2500);
    const batches = await db.query<{ n: number; txid: string }>('SELECT txid, n FROM batches ORDER BY txid');
    expect(batches.map(({ n }) => n)).toEqual([1000, 1000, 500]);
    expect(new Set(batches.map(({ txid }) => txid)).size).toBe(3);
  });

  it('leaves the work to the node that is at it', async () => {
    await fall(1, 2 * DAY);
    const node = new pg.Client({ connectionString: db.url });
    await node.connect();
    await node.query('BEGIN');
    await node.query('SELECT pg_advisory_xact_lock($1)', [0x65786576]);
    expect(await retention.sweep()).toBe(0);
    expect(await left()).toBe(1);
    await node.query('COMMIT');
    await node.end();
    expect(await retention.sweep()).toBe(1);
  });

  it('passes by a row that somebody holds, without waiting', async () => {
    await fall(2, 2 * DAY);
    const reader = new pg.Client({ connectionString: db.url });
    await reader.connect();
    await reader.query('BEGIN');
    await reader.query('SELECT 1 FROM leaves WHERE id = 0 FOR UPDATE');
    expect(await retention.sweep()).toBe(1);
    await reader.query('COMMIT');
    await reader.end();
    expect(await retention.sweep()).toBe(1);
  });

  it('goes on behind a rule that fails, counts it, and tries it again', async () => {
    const failing = retentionOf(dataSource, clock);
    const failed: string[] = [];
    failing.whenFailed((table) => failed.push(table));
    failing.register(BRANCHES, RULE, ROOTS);
    await fall(1500, 2 * DAY);
    expect(await failing.sweep()).toBe(1500);
    expect(await left()).toBe(0);
    expect(failed).toEqual(['branches', 'roots']);
    await failing.sweep();
    expect(failed).toEqual(['branches', 'roots', 'branches', 'roots']);
  });

  it('says once in a pass what failed, however many rules it was', async () => {
    const failing = retentionOf(dataSource, clock);
    const warn = vi.spyOn(failing['logger'], 'warn').mockReturnValue();
    failing.register(BRANCHES, RULE, ROOTS);
    await failing.sweep();
    expect(warn.mock.calls).toEqual([['retention failed for branches (42P01), roots (42P01)']]);
  });

  it('removes what hangs on others first, in whatever order the rules came', async () => {
    await db.query('CREATE TABLE twigs (leaf_id int REFERENCES leaves, fell_at timestamptz NOT NULL)');
    const ordered = retentionOf(dataSource, clock);
    ordered.register(RULE, { ...TWIGS, first: true });
    await fall(2, 2 * DAY);
    await db.query('INSERT INTO twigs SELECT id, fell_at FROM leaves');
    expect(await ordered.sweep()).toBe(4);
    await db.query('DROP TABLE twigs');
  });
});
