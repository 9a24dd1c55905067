import pg from 'pg';
import { DataSource } from 'typeorm';
import { TestApp } from '../support/app.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { PageReader, type Reading } from './page-reader.js';

const ROWS = 400;
/** As in `growth`: each index may have a level more, and what is written splits a page now and then. */
const isGrowth = (before: number, after: number): boolean => after > before * 2 + 16;

/** `ROWS` further rows of the table like the one that the person has, all of them live. */
function copies(table: 'sessions' | 'grants', own: string): string {
  return `INSERT INTO ${table} SELECT (jsonb_populate_record(t.own, jsonb_build_object('id', gen_random_uuid(), ${own}))).*
            FROM (SELECT o AS own FROM ${table} o WHERE account_id = (SELECT id FROM accounts WHERE login = $1) LIMIT 1) t, generate_series(1, ${ROWS}) n`;
}

describe('pages that statements read for a person with many sessions and grants, with plans that were made before', () => {
  let db: TestDatabase;
  let app: TestApp;
  let reader: PageReader;

  beforeAll(async () => {
    db = await createTestDatabase();
    await db.query(`ALTER DATABASE ${db.name} SET plan_cache_mode = force_generic_plan`);
    for (const table of ['sessions', 'grants', 'session_clients'])
      await db.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`);
    reader = new PageReader(pg.Client.prototype);
    // One connection has all plans, and does not end because nothing is sent for a while.
    app = await TestApp.start({ databasePoolSize: 1 }, { db });
    const { driver } = app.app.get(DataSource) as { driver: { master: { options: pg.PoolConfig } } };
    driver.master.options.idleTimeoutMillis = 0;
  }, 60_000);
  afterAll(async () => {
    reader.restore();
    await app.stop();
    await db.drop();
  });

  it('a sign-in, a code of a session, and a sign-out read no more than with one of each', async () => {
    const client = await app.createClient();
    const other = await app.createClient();
    const { login } = await app.createAccount();
    const path = async (): Promise<void> => {
      const browser = app.browser();
      await app.signInTo(browser, client, login);
      await app.signInTo(browser, other, login);
      const dialog = await browser.get('/session/end_session');
      expect((await browser.submit(dialog, 'logout-yes')).status).toBe(200);
    };
    for (const _planned of [1, 2]) await path();
    const few = most(await reader.during(path));

    await app.signInTo(app.browser(), client, login);
    await db.query(
      copies('sessions', `'cookie_hash', '\\x' || encode(sha256(n::text::bytea), 'hex'), 'terminated_at', null`),
      [login],
    );
    await db.query(copies('grants', `'code_hash', null, 'revoked_at', null, 'revoked_cause', null`), [login]);
    const many = most(await reader.during(path));

    expect(reader.errors).toEqual([]);
    for (const name of [
      'grants_begin_session_with_code',
      'grants_exchange_code',
      'sessions_find_by_cookie',
      'logout_terminate_cookie',
    ])
      expect(few.has(name), name).toBe(true);
    const grown = [...many].filter(([name, { pages }]) => isGrowth(few.get(name)?.pages ?? 0, pages));
    expect(grown.map(([name, { pages, pagesBy }]) => ({ name, pages, pagesBy }))).toEqual([]);
  });
});

/** The most that each statement read. */
function most(readings: readonly Reading[]): Map<string, Reading> {
  const found = new Map<string, Reading>();
  for (const reading of readings)
    if (reading.pages > (found.get(reading.name)?.pages ?? -1)) found.set(reading.name, reading);
  return found;
}
