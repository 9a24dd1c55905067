import pg from 'pg';
import { DataSource } from 'typeorm';
import { TestApp } from '../support/app.js';
import { TestClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { fillWith } from '../support/fill.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { PATHS, Scene } from './hot-paths.js';
import { PageReader, type Reading } from './page-reader.js';

type When = 'planned while the tables were empty' | 'planned while they were full';

/**
 * Statements that read more the larger the tables are, and why. Each must be here as long as it does, and no longer: a
 * mended one fails the test until its line is gone.
 */
const GROWING: Readonly<Record<When, Readonly<Record<string, string>>>> = {
  'planned while the tables were empty': {},
  'planned while they were full': {},
};

const ROWS = 4_000;
/**
 * Against tables of a few rows: an index has one level more, so that a look-up reads three pages where it read two, and
 * what is written splits a page now and then. What reads rows that it does not need is far above.
 */
const isGrowth = (before: number, after: number): boolean => after > before * 2 + 16;
/** Sent by timers, between others. */
const BACKGROUND = new Set(['change_feed_notify', 'sessions_touch', 'signing_keys_find_all']);

/** Sessions of one application, none of them analyzed. */
class Filler {
  private constructor(private readonly client: pg.Client) {}

  /** A temporary schema that comes into being throws away every plan that is kept, so it does before any is. */
  static async connect(db: TestDatabase): Promise<Filler> {
    const client = new pg.Client({ connectionString: db.url });
    await client.connect();
    await client.query('CREATE TEMPORARY TABLE no_plan_yet ()');
    return new Filler(client);
  }

  async run(clock: TestClock, clientId: string): Promise<void> {
    const [last] = (
      await this.client.query<{ sequence: string }>('SELECT max(sequence) AS sequence FROM logout_receipts')
    ).rows;
    await fillWith(this.client, { sessions: ROWS, now: clock.now(), clientId, receiptsBefore: last?.sequence });
  }

  end(): Promise<void> {
    return this.client.end();
  }
}

type Readings = Readonly<Record<string, readonly Reading[]>>;

describe('pages that the statements of a hot path read, with plans that were kept and tables never analyzed', () => {
  let db: TestDatabase;
  let party: StubRelyingParty;
  let filler: Filler;
  let reader: PageReader;
  const nodes: TestApp[] = [];
  const few: { value: Readings } = { value: {} };
  const many: Partial<Record<When, Readings>> = {};

  async function start(clock: TestClock): Promise<TestApp> {
    // One connection has all plans, and does not end because nothing is sent for a while.
    const app = await TestApp.start({ databasePoolSize: 1 }, { db, clock });
    const { driver } = app.app.get(DataSource) as { driver: { master: { options: pg.PoolConfig } } };
    driver.master.options.idleTimeoutMillis = 0;
    nodes.push(app);
    return app;
  }

  /** Each path unread, so that the connection has its plans. */
  async function planAll(scene: Scene, app: TestApp): Promise<void> {
    for (const path of Object.values(PATHS)) await path(await scene.at(app));
  }
  async function readAll(scene: Scene, app: TestApp): Promise<Readings> {
    const readings: Record<string, readonly Reading[]> = {};
    for (const [name, path] of Object.entries(PATHS)) {
      const fresh = await scene.at(app);
      readings[name] = await reader.during(() => path(fresh));
    }
    return readings;
  }

  beforeAll(async () => {
    [db, party] = await Promise.all([createTestDatabase(), StubRelyingParty.start()]);
    await db.query(`ALTER DATABASE ${db.name} SET plan_cache_mode = force_generic_plan`);
    for (const { name } of await db.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
    ))
      await db.query(`ALTER TABLE "${name}" SET (autovacuum_enabled = off)`);
    filler = await Filler.connect(db);
    reader = new PageReader(pg.Client.prototype);
    const clock = new TestClock();
    const node = await start(clock);
    const scene = await Scene.start(node, party);
    await planAll(scene, node);
    few.value = await readAll(scene, node);
    await filler.run(clock, scene.client.clientId);
    // Wide ones, so that who reads them all reads many pages.
    await db.query(
      `INSERT INTO consents (account_id, client_id, scope, claims, granted_at)
       SELECT id, $1, ARRAY['openid', repeat('x', 800)], '{}', $2 FROM accounts ON CONFLICT DO NOTHING`,
      [scene.asking.clientId, clock.now()],
    );
    many['planned while the tables were empty'] = await readAll(scene, node);
    const fresh = await start(clock);
    await planAll(scene, fresh);
    many['planned while they were full'] = await readAll(scene, fresh);
  }, 180_000);

  afterAll(async () => {
    reader.restore();
    for (const node of nodes.toReversed()) await node.stop();
    await filler.end();
    await Promise.all([db.drop(), party.stop()]);
  });

  it('were read without an error, and the tables not analyzed meanwhile', async () => {
    expect(reader.errors).toEqual([]);
    const [row] = await db.query<{ analyzed: number }>(
      `SELECT count(*)::int AS analyzed FROM pg_stat_user_tables WHERE last_analyze IS NOT NULL OR last_autoanalyze IS NOT NULL`,
    );
    expect(row?.analyzed).toBe(0);
  });

  /** The most that each statement of a path read, without those that timers send in between. */
  function most(readings: readonly Reading[] = []): Map<string, Reading> {
    const found = new Map<string, Reading>();
    for (const reading of readings)
      if (!BACKGROUND.has(reading.name) && reading.pages > (found.get(reading.name)?.pages ?? -1))
        found.set(reading.name, reading);
    return found;
  }

  describe.each(Object.keys(GROWING) as When[])('%s', (when) => {
    it.each(Object.keys(PATHS))('%s', (path) => {
      const before = most(few.value[path]);
      const after = most(many[when]?.[path]);
      expect(before.size).toBeGreaterThan(0);
      expect([...before.keys()].filter((name) => !after.has(name))).toEqual([]);
      const growing = [...after.values()].filter(({ name, pages }) => isGrowth(before.get(name)?.pages ?? 0, pages));
      const unknown = growing.filter(({ name }) => GROWING[when][name] === undefined);
      expect(unknown.map((reading) => described(reading, before.get(reading.name)))).toEqual([]);
      const marked = [...after.keys()].filter((name) => GROWING[when][name] !== undefined);
      expect(marked.toSorted(), 'marked as growing, and grow').toEqual(growing.map(({ name }) => name).toSorted());
    });
  });
});

function described({ name, pages, pagesBy, scans }: Reading, few: Reading | undefined): string {
  const most = Object.entries(pagesBy)
    .filter(([, n]) => n > 8)
    .map(([relation, n]) => `${relation} ${n}`);
  return `${name}: ${few?.pages} pages, and ${pages} with ${ROWS} sessions (${most.join(', ')}); looks things up by ${scans.join(', ')}`;
}
