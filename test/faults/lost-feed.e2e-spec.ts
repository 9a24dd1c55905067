import { TestApp, type TestClient } from '../support/app.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { PostgresProxy } from '../support/postgres-proxy.js';
import { ChangeFeed } from '../../src/platform/database/change-feed.js';
import { KeyMaintenance } from '../../src/platform/keys/key-maintenance.js';
import { KeysService } from '../../src/platform/keys/keys.service.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const SOON = { timeout: 30_000, interval: 100 };

describe('a node whose listening connection is forgotten by the network, and not closed', () => {
  let db: TestDatabase;
  let proxy: PostgresProxy;
  let app: TestApp;
  let deaf: TestApp;
  let client: TestClient;

  beforeEach(async () => {
    db = await createTestDatabase();
    proxy = await PostgresProxy.start(db.url);
    app = await TestApp.start({}, { db });
    deaf = await TestApp.start({ issuer: app.issuer, databaseUrl: proxy.url }, { db, clock: app.clock });
    client = await app.createClient();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await Promise.all([app.stop(), deaf.stop()]);
    await proxy.stop();
    await db.drop();
  });

  /** By the processes' steady clock. */
  function laterBy(ms: number): void {
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + ms);
  }
  const readiness = async (): Promise<unknown> => (await deaf.json('GET', '/health/ready')).body;
  const feedUp = async (): Promise<string | undefined> =>
    /^exeunt_change_feed_up (\d)$/m.exec((await deaf.json('GET', '/metrics')).text)?.[1];

  it('notices, listens anew, and calls no token active whose key was rotated immediately', async () => {
    const { login } = await app.createAccount();
    const tokens = await app.signInTo(app.browser(), client, login);
    expect(await deaf.isActive(client, tokens.access_token)).toBe(true);
    expect(await readiness()).toEqual({ status: 'up' });
    expect(await feedUp()).toBe('1');

    expect(proxy.forget('exeunt-changes')).toBe(1);
    const token = await app.adminToken();
    await app.json('POST', '/admin/v1/keys/rotate', { token, body: { immediately: true } });
    expect(await app.isActive(client, tokens.access_token)).toBe(false);
    // This node signs nothing: it only answers introspection.
    await vi.waitUntil(async () => !(await deaf.isActive(client, tokens.access_token)), SOON);
    await vi.waitUntil(async () => (await feedUp()) === '1', SOON);

    const heard = new Promise((resolve) => deaf.app.get(ChangeFeed).subscribe('client', resolve));
    await app.json('POST', `/admin/v1/clients/${client.clientId}/disable`, { token: await app.adminToken() });
    expect(await heard).toBe(client.clientId);
    expect(deaf.logger.lines.join('\n')).toContain('change feed lost: no heartbeat');
  });

  it('says so as long as it lasts, and goes on answering', async () => {
    proxy.open = false;
    proxy.forget('exeunt-changes');
    await vi.waitUntil(async () => (await feedUp()) === '0', SOON);
    expect(await readiness()).toEqual({ status: 'up', change_feed: 'deaf' });
    proxy.open = true;
    await vi.waitUntil(async () => (await feedUp()) === '1', SOON);
    expect(await readiness()).toEqual({ status: 'up' });
  });

  it('by age alone: keys that nobody spoke of are read again before a token is believed', async () => {
    const { login } = await app.createAccount();
    const tokens = await app.signInTo(app.browser(), client, login);
    expect(await deaf.isActive(client, tokens.access_token)).toBe(true);
    await deaf.app.get(ChangeFeed).onApplicationShutdown();
    const keys = deaf.app.get(KeysService);
    await keys.onApplicationShutdown();
    await app.app.get(KeyMaintenance).rotate(true);
    expect(await deaf.isActive(client, tokens.access_token)).toBe(true);
    laterBy(30_000);
    expect(await deaf.isActive(client, tokens.access_token)).toBe(false);
  });

  it('by age alone: what cannot be read again is not believed either', async () => {
    const { login } = await app.createAccount();
    const tokens = await app.signInTo(app.browser(), client, login);
    expect(await deaf.isActive(client, tokens.access_token)).toBe(true);
    await db.query('ALTER TABLE signing_keys RENAME TO signing_keys_away');
    laterBy(30_000);
    const answer = await deaf.form('/introspect', { token: tokens.access_token }, client);
    expect(answer.status).toBe(503);
    expect(answer.text).not.toContain('active');
    await db.query('ALTER TABLE signing_keys_away RENAME TO signing_keys');
    expect(await deaf.isActive(client, tokens.access_token)).toBe(true);
  });
});

describe('a node whose Postgres has fallen silent', () => {
  it('says so within three seconds, shows its own metrics, and writes a line a second without a stack', async () => {
    const db = await createTestDatabase();
    const proxy = await PostgresProxy.start(db.url);
    const app = await TestApp.start({ databaseUrl: proxy.url, deliveryPollMs: 100, receiptPollMs: 100 }, { db });
    const client = await app.createClient();
    expect((await app.json('GET', '/health/ready')).status).toBe(200);
    proxy.freeze();
    const began = app.logger.lines.length;
    const start = performance.now();
    const probes = ['/health/ready', '/metrics', '/health/ready', '/metrics'].map(async (path) => {
      const answer = await app.json('GET', path);
      return { path, answer, ms: performance.now() - start };
    });
    const requests = Array.from({ length: 30 }, () => app.form('/introspect', { token: 'x' }, client));
    for (const { path, answer, ms } of await Promise.all(probes)) {
      expect(ms).toBeLessThan(3000);
      expect(answer.status).toBe(path === '/metrics' ? 200 : 503);
      if (path === '/metrics') {
        expect(answer.text).toMatch(/^process_resident_memory_bytes \d/m);
        expect(answer.text).toMatch(/^exeunt_oldest_pending_delivery_seconds Nan/im);
      }
    }
    const answers = await Promise.all(requests);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    const seconds = (performance.now() - start) / 1000;
    const lines = app.logger.lines.slice(began);
    // One a second of storage, and the change feed's own.
    expect(lines.filter((line) => !line.startsWith('change feed lost')).length).toBeLessThanOrEqual(seconds + 2);
    expect(lines.join('\n')).not.toMatch(/^\s+at /m);
    expect(lines.join('\n')).not.toContain('a logout order waits');
    proxy.thaw();
    await vi.waitUntil(async () => (await app.json('GET', '/health/ready')).status === 200, SOON);
    await app.stop();
    await proxy.stop();
    await db.drop();
  });
});
