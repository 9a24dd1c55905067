import { DataSource } from 'typeorm';
import { firstIdOf, timeOrderedId } from '../../src/platform/clock/time-ordered-id.js';
import { dataSourceOptions } from '../../src/platform/database/data-source-options.js';
import { DayPartitions, firstIdAt, startOfDay } from '../../src/platform/database/day-partitions.js';
import { rowsWithoutDay, type RetentionRule } from '../../src/platform/database/retention.js';
import { statement } from '../../src/platform/database/statement.js';
import { TransactionRunner } from '../../src/platform/database/transaction.js';
import { DAY, HOUR, TestClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { retentionOf } from '../support/retention.js';

const HELD = statement({
  name: 'test_pages_held',
  parameters: { from: 'timestamptz', to: 'timestamptz' },
  row: { held: 'boolean' },
  text: `SELECT EXISTS (SELECT 1 FROM pages WHERE kept AND id >= ${firstIdAt(':from')} AND id < ${firstIdAt(':to')}) AS held`,
});
const PAGES: RetentionRule = {
  ...rowsWithoutDay({
    name: 'test_pages_remove',
    table: 'pages',
    key: 'id',
    bound: firstIdAt(':before'),
    condition: 'NOT x.kept',
  }),
  keepMs: 10 * DAY,
  byDay: { by: 'id', held: HELD },
};
const NOTES: RetentionRule = {
  ...rowsWithoutDay({ name: 'test_notes_remove', table: 'notes', key: 'at', bound: ':before' }),
  keepMs: 10 * DAY,
  byDay: { by: 'time' },
};

describe('tables that are kept by day', () => {
  let db: TestDatabase;
  let dataSource: DataSource;
  let clock: TestClock;

  beforeEach(async () => {
    db = await createTestDatabase({ empty: true });
    await db.query(
      `CREATE TABLE pages (id uuid PRIMARY KEY, kept boolean NOT NULL DEFAULT false) PARTITION BY RANGE (id)`,
    );
    await db.query(`CREATE TABLE pages_other PARTITION OF pages DEFAULT`);
    await db.query(`CREATE TABLE notes (n int, at timestamptz NOT NULL, PRIMARY KEY (n, at)) PARTITION BY RANGE (at)`);
    await db.query(`CREATE INDEX ON notes (at)`);
    await db.query(`CREATE TABLE notes_other PARTITION OF notes DEFAULT`);
    dataSource = await new DataSource(dataSourceOptions(db.url, 4, [])).initialize();
    clock = new TestClock();
  });
  afterEach(async () => {
    await dataSource.destroy();
    await db.drop();
  });

  const retention = () => {
    const made = retentionOf(dataSource, clock);
    made.register(PAGES, NOTES);
    return made;
  };
  const write = (kept = false) => db.query('INSERT INTO pages VALUES ($1, $2)', [timeOrderedId(clock.now()), kept]);
  /** How many rows lie where. */
  const rows = async (table: string) =>
    Object.fromEntries(
      (
        await db.query<{ name: string; n: number }>(
          `SELECT tableoid::regclass::text AS name, count(*)::int AS n FROM ${table} GROUP BY 1 ORDER BY 1`,
        )
      ).map(({ name, n }) => [name, n]),
    );
  const days = async (table: string) =>
    (
      await db.query<{ name: string }>(
        `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1`,
        [table],
      )
    ).map(({ name }) => name);

  it('has today and the next three days, each made once', async () => {
    const swept = retention();
    await swept.sweep();
    await swept.sweep();
    const march = ['01', '02', '03', '04'];
    expect(await days('pages')).toEqual([...march.map((day) => `pages_202603${day}`), 'pages_other']);
    expect(await days('notes')).toEqual([...march.map((day) => `notes_202603${day}`), 'notes_other']);
  });

  it('puts each row into the day of our clock, from the first millisecond of it to the last', async () => {
    await retention().sweep();
    const midnight = startOfDay(clock.now()).getTime() + DAY;
    for (const moment of [midnight - 1, midnight, midnight + DAY - 1])
      await db.query('INSERT INTO pages VALUES ($1)', [timeOrderedId(new Date(moment))]);
    await db.query('INSERT INTO pages VALUES ($1)', [firstIdOf(new Date(midnight))]);
    for (const moment of [midnight - 1, midnight])
      await db.query('INSERT INTO notes VALUES (1, $1)', [new Date(moment)]);
    expect(await rows('pages')).toEqual({ pages_20260301: 1, pages_20260302: 3 });
    expect(await rows('notes')).toEqual({ notes_20260301: 1, notes_20260302: 1 });
  });

  it('drops a day when the whole of it is past keeping, and not an hour before', async () => {
    const swept = retention();
    await swept.sweep();
    await write();
    clock.advance(10 * DAY);
    await swept.sweep();
    expect(await rows('pages')).toEqual({ pages_20260301: 1 });
    clock.advance(12 * HOUR);
    expect(await swept.sweep()).toBe(2);
    expect(await rows('pages')).toEqual({});
    expect(await days('pages')).not.toContain('pages_20260301');
    expect(await days('notes')).not.toContain('notes_20260301');
  });

  it('lets a day wait in which something has to stay, and removes the others of it', async () => {
    const swept = retention();
    await swept.sweep();
    await write(true);
    await write();
    clock.advance(11 * DAY);
    await swept.sweep();
    expect(await rows('pages')).toEqual({ pages_20260301: 1 });
    await db.query('UPDATE pages SET kept = false');
    await swept.sweep();
    expect(await days('pages')).not.toContain('pages_20260301');
  });

  it('keeps what no day was made for in the default partition, and removes it by the same days', async () => {
    for (let n = 0; n < 2500; n += 1) await write();
    await write(true);
    const swept = retention();
    await swept.sweep();
    expect(await rows('pages')).toEqual({ pages_other: 2501 });
    expect(await days('pages')).not.toContain('pages_20260301');
    clock.advance(11 * DAY);
    expect(await swept.sweep()).toBeGreaterThanOrEqual(2500);
    expect(await rows('pages')).toEqual({ pages_other: 1 });
  });

  it('empties the partition that a migration made of what was there, and drops it when its end is past keeping', async () => {
    await db.query(`CREATE TABLE pages_before (LIKE pages INCLUDING DEFAULTS)`);
    await db.query(`INSERT INTO pages_before VALUES ($1)`, [timeOrderedId(clock.in(-30 * DAY))]);
    const end = firstIdOf(new Date(startOfDay(clock.now()).getTime() + 2 * DAY));
    await db.query(`ALTER TABLE pages ATTACH PARTITION pages_before FOR VALUES FROM (MINVALUE) TO ('${end}')`);
    const swept = retention();
    await write();
    await swept.sweep();
    expect(await rows('pages')).toEqual({ pages_before: 1 });
    expect(await days('pages')).toEqual(['pages_20260303', 'pages_20260304', 'pages_before', 'pages_other']);
    clock.advance(12 * DAY);
    await swept.sweep();
    expect(await days('pages')).not.toContain('pages_before');
  });

  it('does not wait for who holds the table: the day goes with the next pass', async () => {
    const swept = retention();
    await swept.sweep();
    clock.advance(11 * DAY);
    const reader = new DataSource(dataSourceOptions(db.url, 1, []));
    await reader.initialize();
    const runner = reader.createQueryRunner();
    await runner.startTransaction();
    await runner.query('SELECT 1 FROM pages');
    await swept.sweep();
    expect(await days('pages')).toContain('pages_20260301');
    await runner.rollbackTransaction();
    await reader.destroy();
    await swept.sweep();
    expect(await days('pages')).not.toContain('pages_20260301');
  });

  it('is made by one of two nodes that begin at once, without an error of the other', async () => {
    const transactions = new TransactionRunner(dataSource);
    const nodes = [new DayPartitions(transactions), new DayPartitions(transactions)];
    for (const node of nodes) node.register('pages', { by: 'id' });
    await Promise.all(nodes.map((node) => node.makeAhead(clock.now())));
    await nodes[0]?.makeAhead(clock.now());
    expect(await days('pages')).toHaveLength(5);
  });
});
