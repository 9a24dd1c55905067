import { TestApp, type TestClient } from '../support/app.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { PostgresProxy } from '../support/postgres-proxy.js';
import { ChangeFeed } from '../../src/platform/database/change-feed.js';
import { KeyMaintenance } from '../../src/platform/keys/key-maintenance.js';
import { KeysService, StaleKeysError } from '../../src/platform/keys/keys.service.js';
import { Sealer } from '../../src/platform/keys/sealer.js';
import { DeliveryRecorder } from '../../src/domain/logout/notices/delivery-recorder.js';
import { UpstreamsService } from '../../src/domain/upstreams/upstreams.service.js';
import { clientOf, deliveriesTo, dueNotices } from '../back-channel-logout/scene.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { registration } from '../upstreams/scene.js';

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
    vi.restoreAllMocks();
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + ms);
  }
  /** Nothing reads by itself any more, so that only the age remains. */
  async function stopHearing(): Promise<void> {
    await deaf.app.get(ChangeFeed).onApplicationShutdown();
    await deaf.app.get(KeysService).onApplicationShutdown();
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
    await stopHearing();
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

  it('by age alone: a cookie of a withdrawn sealing key opens nothing, and keys that cannot be read open nothing', async () => {
    await stopHearing();
    const sealed = deaf.app.get(Sealer).seal('test', { a: 1 });
    await app.app.get(KeyMaintenance).rotate(true);
    expect(deaf.app.get(Sealer).open('test', sealed)).toEqual({ a: 1 });
    await db.query('ALTER TABLE signing_keys RENAME TO signing_keys_away');
    laterBy(61_000);
    expect(() => deaf.app.get(Sealer).open('test', sealed)).toThrow(StaleKeysError);
    expect((await deaf.browser().get(deaf.authorizeUrl(client))).status).toBe(503);
    await db.query('ALTER TABLE signing_keys_away RENAME TO signing_keys');
    await deaf.app.get(KeysService).reload();
    expect(deaf.app.get(Sealer).open('test', sealed)).toBeUndefined();
  });

  it('by age alone: a client that was disabled, and its old secret', async () => {
    const { login } = await app.createAccount();
    const { refresh_token } = await deaf.signInTo(deaf.browser(), client, login);
    await stopHearing();
    const token = await app.adminToken();
    await app.json('POST', `/admin/v1/clients/${client.clientId}/secret`, { token });
    laterBy(31_000);
    expect((await deaf.refresh(client, refresh_token)).status).toBe(401);
    const other = await app.createClient();
    expect((await deaf.form('/introspect', { token: 'x' }, other)).status).toBe(200);
    await app.json('POST', `/admin/v1/clients/${other.clientId}/disable`, { token });
    laterBy(62_000);
    expect((await deaf.form('/introspect', { token: 'x' }, other)).status).toBe(401);
  });

  it('by age alone: a provider that was deleted signs nobody in', async () => {
    const token = await app.adminToken();
    const made = await app.json('POST', '/admin/v1/upstreams', { token, body: registration({ name: 'corp' }) });
    expect(made.status).toBe(201);
    const offered = async (): Promise<unknown> => deaf.app.get(UpstreamsService).find('corp');
    await stopHearing();
    laterBy(31_000);
    expect(await offered()).toBeDefined();
    expect((await app.json('DELETE', '/admin/v1/upstreams/corp', { token })).status).toBe(204);
    expect(await offered()).toBeDefined();
    laterBy(62_000);
    expect(await offered()).toBeUndefined();
  });

  it('by age alone: a breaker keeps notices back for a minute at most', async () => {
    const recorder = deaf.app.get(DeliveryRecorder);
    const party = await StubRelyingParty.start();
    const application = await clientOf(app, party);
    party.always(503);
    await dueNotices(app, application.clientId, 5);
    await deaf.sendDue();
    expect(recorder.isOpen(application.clientId)).toBe(true);
    await stopHearing();
    party.always(200);
    app.clock.advance(61_000);
    expect(recorder.isOpen(application.clientId)).toBe(false);
    for (let round = 0; round < 5; round += 1) await deaf.sendDue();
    expect((await deliveriesTo(app, application.clientId)).map(({ state }) => state)).toEqual(
      Array(5).fill('delivered'),
    );
    await party.stop();
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
