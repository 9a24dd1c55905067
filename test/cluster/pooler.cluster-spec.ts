import { randomUUID } from 'node:crypto';
import { ChangeFeed } from '../../src/platform/database/change-feed.js';
import { TransactionRunner } from '../../src/platform/database/transaction.js';
import { awaitDatabase, DatabaseUnusableError } from '../../src/platform/database/await-database.js';
import type { Settings } from '../../src/platform/config/settings.js';
import { ADMIN_ENV, buildOnce, Service } from '../start/service.js';
import { TestApp, type TestClient } from '../support/app.js';
import { Pair } from '../support/pair.js';
import { PostgresProxy } from '../support/postgres-proxy.js';
import { PgBouncer } from './rig/pgbouncer.js';

/** Refreshes and logouts that are sent at once, which is more than the pooler has servers. */
const AT_ONCE = 40;
const SERVERS = 6;

describe('behind PgBouncer in transaction mode', () => {
  let pair: Pair;
  let proxy: PostgresProxy;
  let pooler: PgBouncer;
  let nodes: TestApp[];
  let client: TestClient;

  beforeAll(async () => {
    pair = await Pair.start();
    proxy = await PostgresProxy.start(pair.primary.url);
    pooler = await pooled();
    const start = (settings: Partial<Settings> = {}): Promise<TestApp> =>
      TestApp.start(
        { databaseUrl: pooler.url, databaseDirectUrl: pair.primary.url, receiptPollMs: 0, ...settings },
        { db: pair.db, ...(nodes.length === 0 ? {} : { clock: nodes[0]!.clock }) },
      );
    nodes = [];
    nodes.push(await start());
    nodes.push(await start());
    nodes.push(await start({ logoutDurability: 'replicated' }));
    client = await nodes[0]!.createClient();
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await pooler.stop();
    await proxy.stop();
    await pair.stop();
  });

  afterEach(() => pair.answer());

  const pooled = (settings: Readonly<Record<string, string | number>> = {}): Promise<PgBouncer> =>
    PgBouncer.start({
      port: proxy.port,
      database: 'exeunt',
      user: 'exeunt',
      password: 'of-the-pooler',
      settings: { default_pool_size: SERVERS, ...settings },
    });
  const node = (i: number): TestApp => nodes[i % 2]!;

  it('everything works, on two nodes at once, and nothing of a session stays behind', async () => {
    const people = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => node(i).createAccount()));
    const tokens = [];
    for (const [i, { login }] of people.entries())
      tokens.push(await node(i).signInTo(node(i).browser(), client, login));
    const refreshed = await Promise.all(
      tokens.map(({ refresh_token: token }, i) => node(i + 1).refresh(client, token)),
    );
    expect(refreshed.map(({ status }) => status)).toEqual(Array.from({ length: AT_ONCE }, () => 200));

    const admins = await Promise.all([node(0).adminToken(), node(1).adminToken()]);
    const ended = await Promise.all(
      people.map(({ id }, i) =>
        node(i).json('DELETE', `/admin/v1/sessions?account_id=${id}`, { token: admins[i % 2] }),
      ),
    );
    expect(ended.map(({ status }) => status)).toEqual(Array.from({ length: AT_ONCE }, () => 200));
    const active = await Promise.all(
      refreshed.map(({ body }, i) => node(i + 1).isActive(client, String(body.access_token))),
    );
    expect(active).not.toContain(true);
    while ((await node(0).issueReceipts()) > 0);
    expect(await pair.db.query('SELECT count(*)::int AS n FROM logout_receipts')).toEqual([{ n: AT_ONCE }]);

    expect(await pair.db.query(`SELECT pid FROM pg_locks WHERE locktype = 'advisory'`)).toEqual([]);
    expect(await pair.db.query(`SELECT pid FROM pg_stat_activity WHERE state ~ 'in transaction'`)).toEqual([]);
  });

  it('a node hears what another one changes', async () => {
    const mark = randomUUID();
    const heard = new Promise<void>((resolve) => {
      node(1)
        .app.get(ChangeFeed)
        .subscribe('deliveries', (id) => id === mark && resolve());
    });
    await node(0).app.get(ChangeFeed).publish(node(0).app.get(TransactionRunner), 'deliveries', mark);
    await heard;
    expect((await node(1).json('GET', '/health/ready')).body).toEqual({ status: 'up' });
  });

  it('what decides is not read from a standby that the pooler has connected to behind our back', async () => {
    const { login } = await node(0).createAccount();
    const { access_token: token } = await node(0).signInTo(node(0).browser(), client, login);
    expect(await node(0).isActive(client, token)).toBe(true);
    proxy.leadTo(pair.standby.url);
    onTestFinished(() => proxy.leadTo(pair.primary.url));
    await vi.waitFor(async () => expect((await node(0).form('/introspect', { token }, client)).status).toBe(503));
    for (let i = 0; i < 10; i += 1) {
      const answer = await node(0).form('/introspect', { token }, client);
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await node(i).json('GET', '/health/ready')).status).toBe(503);
    }
    proxy.leadTo(pair.primary.url);
    await vi.waitFor(async () => expect((await node(0).json('GET', '/health/ready')).status).toBe(200), 20_000);
    await vi.waitFor(async () => expect(await node(0).isActive(client, token)).toBe(true), 20_000);
  });

  it('LOGOUT_DURABILITY=replicated waits for a standby through the pooler, too', async () => {
    await pair.db.query(`ALTER ROLE exeunt SET synchronous_commit = 'local'`);
    await pair.synchronous(true);
    const [, , replicated] = nodes;
    const { login } = await replicated!.createAccount();
    const tokens = await replicated!.signInTo(replicated!.browser(), client, login);
    await pair.silence();
    const revoked = replicated!.form('/revoke', { token: tokens.refresh_token }, client);
    await vi.waitFor(async () => expect(await pair.waiting()).toHaveLength(1));
    pair.answer();
    expect((await revoked).status).toBe(200);

    await pair.silence();
    const other = await replicated!.createAccount();
    const silent = await replicated!.signInTo(node(0).browser(), client, other.login).catch(() => undefined);
    // The use of a code waits as well, and nobody is left waiting when its answer was 503.
    expect(silent).toBeUndefined();
    await vi.waitFor(async () => expect(await pair.waiting()).toEqual([]), 10_000);
    pair.answer();
    await pair.synchronous(false);
  });

  describe('what a start says', () => {
    const words = async (url: string, directUrl?: string): Promise<{ error?: string; lines: string[] }> => {
      const lines: string[] = [];
      try {
        await awaitDatabase(url, 0, (line) => lines.push(line), directUrl);
        return { lines };
      } catch (error) {
        expect(error).toBeInstanceOf(DatabaseUnusableError);
        return { error: (error as Error).message, lines };
      }
    };

    it('of a pooler without DATABASE_DIRECT_URL, and of one at DATABASE_DIRECT_URL', async () => {
      expect((await words(pooler.url)).error).toContain('Set DATABASE_DIRECT_URL to Postgres itself');
      const both = await words(pooler.url, pooler.url);
      expect(both.error).toMatch(/\(DATABASE_DIRECT_URL\) does not keep a session.*Let it lead to Postgres itself/);
    });

    it('of one that keeps no prepared statements', async () => {
      const old = await pooled({ max_prepared_statements: 0 });
      await vi.waitFor(async () =>
        expect((await words(old.url, pair.primary.url)).error).toContain('max_prepared_statements = 400'),
      );
      await old.stop();
    });

    it('of two URLs that lead to two databases', async () => {
      await pair.db.query('CREATE DATABASE another');
      const { error } = await words(pooler.url, pair.primary.url.replace('/exeunt?', '/another?'));
      expect(error).toContain('they are two databases');
      await pair.db.query('DROP DATABASE another WITH (FORCE)');
    });

    it('of missing time limits, with what to paste; and nothing of it once that was done', async () => {
      const { error, lines } = await words(pooler.url, pair.primary.url);
      expect(error).toBeUndefined();
      const alter = lines.join('\n').match(/ALTER ROLE [^;]*;/g) ?? [];
      expect(alter).toHaveLength(3);
      for (const line of alter) await pair.db.query(line);
      const anew = await pooled();
      await vi.waitFor(async () => expect(await words(anew.url, pair.primary.url)).toEqual({ lines: [] }));
      await anew.stop();
    });
  });

  it('the service starts, with its migrations at DATABASE_DIRECT_URL', async () => {
    buildOnce();
    await pair.db.query('CREATE DATABASE fresh');
    const fresh = await PgBouncer.start({
      port: proxy.port,
      database: 'fresh',
      user: 'exeunt',
      password: 'of-the-pooler',
    });
    const service = await Service.start({
      ...ADMIN_ENV,
      DATABASE_URL: fresh.url,
      DATABASE_DIRECT_URL: pair.primary.url.replace('/exeunt?', '/fresh?'),
    });
    expect(service.output).toContain('has no time limits of Postgres');
    expect((await service.stop()).code).toBe(0);
    await fresh.stop();
  });
});
