import { DataSource } from 'typeorm';
import { awaitDatabase, DatabaseUnusableError } from '../../src/platform/database/await-database.js';
import { dataSourceOptions } from '../../src/platform/database/data-source-options.js';
import { migrate } from '../../src/platform/database/migrate.js';
import { statement } from '../../src/platform/database/statement.js';
import { isStorageFailure, sqlState } from '../../src/platform/database/storage-errors.js';
import { TransactionRunner } from '../../src/platform/database/transaction.js';
import { TestApp } from '../support/app.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { Pair } from '../support/pair.js';
import { PostgresProxy } from '../support/postgres-proxy.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

const LIMITS = statement({
  name: 'test_connection_limits',
  row: { statement: 'text', lock: 'text', idle: 'text', workers: 'text' },
  text: `
    SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
           current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('max_parallel_workers_per_gather') AS workers`,
});
const PID = statement({ name: 'test_connection_pid', row: { pid: 'int' }, text: 'SELECT pg_backend_pid() AS pid' });
const say = (): void => undefined;

describe('a new connection', () => {
  let db: TestDatabase;
  let proxy: PostgresProxy;
  let dataSource: DataSource;
  let runner: TransactionRunner;

  beforeEach(async () => {
    db = await createTestDatabase();
    proxy = await PostgresProxy.start(db.url);
    // What PgBouncer refuses as it comes.
    proxy.refused = ['statement_timeout', 'idle_in_transaction_session_timeout', 'lock_timeout', 'options'];
    dataSource = await new DataSource(dataSourceOptions(proxy.url, 1, [])).initialize();
    runner = new TransactionRunner(dataSource);
  });
  afterEach(async () => {
    await dataSource.destroy();
    await proxy.stop();
    await db.drop();
  });

  it('has its time limits without a parameter that a pooler refuses', async () => {
    expect(await runner.query(LIMITS, {})).toEqual([{ statement: '15s', lock: '5s', idle: '30s', workers: '0' }]);
  });

  it('has them after it was replaced, too', async () => {
    proxy.leadTo(db.url);
    await vi.waitFor(async () => expect(await runner.query(LIMITS, {})).toMatchObject([{ statement: '15s' }]));
  });

  it('of a migration has none: an index on a large table takes its time', async () => {
    const empty = await createTestDatabase({ empty: true });
    await empty.query('CREATE TABLE seen (setting text)');
    await empty.query(
      `CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS
       $$ BEGIN INSERT INTO public.seen VALUES (current_setting('statement_timeout')); END $$`,
    );
    await empty.query('CREATE EVENT TRIGGER see ON ddl_command_end EXECUTE FUNCTION see()');
    await migrate(empty.url);
    expect(await empty.query('SELECT DISTINCT setting FROM seen')).toEqual([{ setting: '0' }]);
    await empty.drop();
  });

  it('is given up when a write meets SQLSTATE 25006, in a statement and in a transaction', async () => {
    const pid = async () => (await runner.query(PID, {}))[0]?.pid;
    const write = statement({ name: `test_write_${Date.now()}`, text: 'CREATE TABLE never (id int)' });
    for (const attempt of [
      () => runner.query(write, {}),
      () => runner.run((tx) => tx.query(write, {})),
      () => runner.run((tx) => tx.manager.query('CREATE TABLE never (id int)')),
    ]) {
      const before = await pid();
      await dataSource.query('SET default_transaction_read_only = on');
      const error: unknown = await attempt().catch((thrown: unknown) => thrown);
      expect(sqlState(error)).toBe('25006');
      expect(isStorageFailure(error)).toBe(true);
      expect(await pid()).not.toBe(before);
    }
  });
});

describe('a node whose connections end at a standby', () => {
  let pair: Pair;
  let proxy: PostgresProxy;
  let app: TestApp;

  beforeAll(async () => {
    pair = await Pair.start();
    proxy = await PostgresProxy.start(pair.primary.url);
    app = await TestApp.start({ databaseUrl: proxy.url }, { db: pair.db });
  });
  afterAll(async () => {
    await app.stop();
    await proxy.stop();
    await pair.stop();
  });

  it('is not ready and calls nothing active; with the primary back it goes on by itself', async () => {
    const client = await app.createClient();
    const { login } = await app.createAccount();
    const tokens = await app.signInTo(app.browser(), client, login);
    expect(await app.isActive(client, tokens.access_token)).toBe(true);

    proxy.leadTo(pair.standby.url);
    await vi.waitFor(async () => expect((await app.json('GET', '/health/ready')).status).toBe(503));
    for (const path of ['/introspect', '/revoke']) {
      const answer = await app.form(path, { token: tokens.access_token }, client);
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await app.refresh(client, tokens.refresh_token)).status).toBe(503);

    proxy.leadTo(pair.primary.url);
    await vi.waitFor(async () => expect((await app.json('GET', '/health/ready')).status).toBe(200));
    expect(await app.isActive(client, tokens.access_token)).toBe(true);
    expect((await app.refresh(client, tokens.refresh_token)).status).toBe(200);
  });

  it('does not start', async () => {
    await expect(awaitDatabase(pair.standby.url, 0, say)).rejects.toThrow(
      /is a standby \(in recovery\), not a primary/,
    );
  });
});

describe('what a start says of a database that cannot be used', () => {
  let db: TestDatabase;
  let proxy: PostgresProxy;

  beforeEach(async () => {
    db = await createTestDatabase();
    proxy = await PostgresProxy.start(db.url);
  });
  afterEach(async () => {
    await proxy.stop();
    await db.drop();
  });

  const failure = async (url: string, waitMs = 0): Promise<{ readonly words: string; readonly lines: string[] }> => {
    const lines: string[] = [];
    const error: unknown = await awaitDatabase(url, waitMs, (line) => lines.push(line)).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(DatabaseUnusableError);
    return { words: (error as Error).message, lines };
  };

  it('nothing, of one that can', async () => {
    const lines: string[] = [];
    await awaitDatabase(proxy.url, 0, (line) => lines.push(line));
    expect(lines).toEqual([]);
  });

  it('that a pooler does not keep sessions, and what to set', async () => {
    proxy.losesNotices = true;
    const { words } = await failure(proxy.url);
    expect(words).toContain('pool_mode = session');
    expect(words).toContain('DATABASE_URL');
  });

  it('which parameter a pooler refuses, at once, and what to set', async () => {
    proxy.refused = ['options'];
    const { words, lines } = await failure(`${proxy.url}?options=-c%20search_path%3Dpublic`, 60_000);
    expect(words).toContain('ignore_startup_parameters = options');
    expect(lines).toEqual([]);
  });

  it('that there is no database of that name, at once', async () => {
    const { words, lines } = await failure(proxy.url.replace(db.name, 'nothing_here'), 60_000);
    expect(words).toMatch(/nothing_here \(DATABASE_URL\) has no database of that name \(3D000\)/);
    expect(lines).toEqual([]);
  });

  it('where it cannot be reached, never the password, as long as it was told to try; and goes on when it is there', async () => {
    proxy.open = false;
    const url = proxy.url.replace('exeunt@', 'exeunt:hidden-password@');
    const { words, lines } = await failure(url, 1500);
    expect(words).toContain(`127.0.0.1:${proxy.port}/${db.name} (DATABASE_URL) cannot be reached`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('Trying again for 2 seconds.');
    expect(words + lines.join()).not.toContain('hidden-password');
    setTimeout(() => (proxy.open = true), 1200);
    await awaitDatabase(url, 30_000, say);
  });

  it('that its name is not known', async () => {
    const { words } = await failure('postgres://exeunt@no-such-host.invalid:5433/exeunt');
    expect(words).toMatch(/no-such-host\.invalid:5433\/exeunt \(DATABASE_URL\) cannot be reached/);
  });
});
