import { KeyMaintenance } from '../../src/platform/keys/key-maintenance.js';
import { KeysService } from '../../src/platform/keys/keys.service.js';
import { Sealer } from '../../src/platform/keys/sealer.js';
import { UpstreamsService } from '../../src/domain/upstreams/upstreams.service.js';
import { enterAsClient } from '../console/operator.js';
import { ADMIN, TestApp } from '../support/app.js';
import { DAY, HOUR, MINUTE } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import type { Browser } from '../support/http.js';

const COOKIES = ['exeunt_console', 'exeunt_browser'];
const OVERVIEW = '/console/logouts';
const SECRET = 'a secret of at least thirty-two characters';
const NEXT = 'another secret of thirty-two characters or more';

describe('the keys that seal what browsers carry and what rests with us', () => {
  let app: TestApp;
  let other: TestApp;

  beforeEach(async () => {
    app = await TestApp.start();
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
  });
  afterEach(async () => {
    await other.stop();
    await app.stop();
  });

  async function rotate(body: Record<string, unknown> = {}): Promise<void> {
    const answer = await app.json('POST', '/admin/v1/keys/rotate', { token: await app.adminToken(), body });
    expect(answer.status).toBe(200);
  }
  const maintain = (): Promise<void> =>
    TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock }).then((node) => node.stop());
  const sealing = () =>
    app.db.query<{ retired: boolean; secret: boolean }>(
      `SELECT retired_at IS NOT NULL AS retired, private_jwk IS NOT NULL AS secret FROM signing_keys
        WHERE alg = 'A256GCM' ORDER BY retired_at NULLS LAST`,
    );
  async function inTheConsole(): Promise<Browser> {
    const browser = app.browser();
    await enterAsClient(browser);
    expect((await browser.get(OVERVIEW)).status).toBe(200);
    return browser;
  }
  const isInside = async (browser: Browser): Promise<boolean> => (await browser.get(OVERVIEW)).status === 200;
  async function anUpstream() {
    const upstreams = app.app.get(UpstreamsService);
    const upstream = await upstreams.register({
      name: 'corporate',
      issuer: 'https://login.example.com',
      client_id: 'exeunt',
      client_secret: 'the upstream’s secret',
      token_endpoint_auth_method: 'client_secret_basic',
    });
    return {
      secret: () => upstreams.clientSecret(upstream),
      stored: async () =>
        (await app.db.query<{ client_secret: string }>('SELECT client_secret FROM upstreams'))[0]?.client_secret ?? '',
    };
  }

  it('at once: a cookie of the console and a form from before open nothing, on either node', async () => {
    const browser = await inTheConsole();
    const atTheDoor = app.browser();
    const form = await atTheDoor.get('/console/sign-in');
    const sealed = app.app.get(Sealer).seal('test', { a: 1 }, DAY);
    await rotate({ immediately: true });
    expect(await isInside(browser)).toBe(false);
    expect(app.app.get(Sealer).open('test', sealed)).toBeUndefined();
    await vi.waitUntil(() => other.app.get(Sealer).open('test', sealed) === undefined, { timeout: 10_000 });
    const credentials = { client_id: ADMIN.clientId, client_secret: ADMIN.clientSecret };
    expect((await atTheDoor.submit(form, 'client-submit', credentials)).status).toBe(403);
    expect((await atTheDoor.submit(await atTheDoor.get('/console/sign-in'), 'client-submit', credentials)).status).toBe(
      303,
    );
    expect(await sealing()).toEqual([
      { retired: true, secret: false },
      { retired: false, secret: true },
    ]);
    expect(await isInside(await inTheConsole())).toBe(true);
  });

  it('at once: what rests with us is sealed anew, and is there for both nodes', async () => {
    const upstream = await anUpstream();
    const before = await upstream.stored();
    await rotate({ immediately: true });
    expect(await upstream.stored()).not.toBe(before);
    expect(await upstream.stored()).toMatch(new RegExp(`^${app.app.get(Sealer).prefix}`));
    expect(await upstream.secret()).toBe('the upstream’s secret');
    const elsewhere = other.app.get(UpstreamsService);
    await vi.waitFor(async () => {
      expect(await elsewhere.clientSecret(await elsewhere.get('corporate'))).toBe('the upstream’s secret');
    });
  });

  it('by command: the new key seals a minute later, what the old one sealed opens for a day and two hours more, and then it is forgotten', async () => {
    const browser = await inTheConsole();
    const upstream = await anUpstream();
    const [prefix, stored] = [app.app.get(Sealer).prefix, await upstream.stored()];
    const sealed = app.app.get(Sealer).seal('test', { a: 1 }, 10 * DAY);
    const csrf = app.app.get(Sealer).mac('csrf', 'a-browser');
    await rotate();
    expect(app.app.get(Sealer).prefix).toBe(prefix);
    app.clock.advance(MINUTE);
    expect(app.app.get(Sealer).prefix).not.toBe(prefix);
    expect(await isInside(browser)).toBe(true);
    expect(app.app.get(Sealer).isMac('csrf', 'a-browser', csrf)).toBe(true);
    await maintain();
    expect(app.app.get(Sealer).open('test', sealed)).toEqual({ a: 1 });
    // As long as the longest that a browser carries: an interaction.
    app.clock.advance(DAY + HOUR);
    expect(app.app.get(Sealer).open('test', sealed)).toEqual({ a: 1 });
    app.clock.advance(HOUR);
    await app.app.get(KeyMaintenance).forgetSealingKeys();
    expect(await sealing()).toEqual([
      { retired: true, secret: false },
      { retired: false, secret: true },
    ]);
    expect(app.app.get(Sealer).open('test', sealed)).toBeUndefined();
    expect(await upstream.stored()).not.toBe(stored);
    expect(await upstream.secret()).toBe('the upstream’s secret');
  });

  it('by age, with the others', async () => {
    app.clock.advance(app.settings.keyRotationDays * DAY + app.settings.keyPublishLeadMs);
    await maintain();
    expect(await sealing()).toHaveLength(2);
    app.clock.advance(MINUTE);
    await maintain();
    expect(await sealing()).toEqual([
      { retired: true, secret: true },
      { retired: false, secret: true },
    ]);
  });

  it('what was sealed before keys had ids still opens, and is sealed anew', async () => {
    const upstream = await anUpstream();
    const bytes = Buffer.from(await upstream.stored(), 'base64url').subarray(6);
    await app.db.query('UPDATE upstreams SET client_secret = $1', [bytes.toString('base64url')]);
    expect(await upstream.secret()).toBe('the upstream’s secret');
    await rotate({ immediately: true });
    expect(await upstream.secret()).toBe('the upstream’s secret');
    expect(await upstream.stored()).toMatch(new RegExp(`^${app.app.get(Sealer).prefix}`));
  });

  it('whoever leaves the console ends every copy of the cookie, and nobody else’s session', async () => {
    const [browser, colleague] = [await inTheConsole(), await inTheConsole()];
    const copy = app.browser();
    for (const name of COOKIES) copy.setCookie(name, browser.cookie(name));
    expect(await isInside(copy)).toBe(true);
    await browser.submit(await browser.get(OVERVIEW), 'console-sign-out');
    expect(await isInside(copy)).toBe(false);
    expect(await isInside(colleague)).toBe(true);
    expect(await app.db.query('SELECT 1 FROM console_sessions')).toHaveLength(1);
  });

  it('a console that cannot be left says so, and the session goes on', async () => {
    const browser = await inTheConsole();
    const page = await browser.get(OVERVIEW);
    await app.db.query('ALTER TABLE console_sessions RENAME TO console_sessions_away');
    expect((await browser.submit(page, 'console-sign-out')).status).toBe(503);
    await app.db.query('ALTER TABLE console_sessions_away RENAME TO console_sessions');
    expect(await isInside(browser)).toBe(true);
  });
});

describe('EXEUNT_SECRET', () => {
  let db: TestDatabase;

  beforeEach(async () => {
    db = await createTestDatabase();
  });
  afterEach(() => db.drop());

  it('is changed while nodes serve that know both; then the new one is enough, and the old one is not', async () => {
    const node = await TestApp.start({ secret: SECRET, nextSecret: NEXT }, { db });
    const { keys } = (await node.json('GET', '/jwks')).body;
    const command = await TestApp.start({ secret: SECRET, nextSecret: NEXT }, { db });
    await command.app.get(KeyMaintenance).changeSecret(NEXT);
    await command.stop();
    await node.app.get(KeysService).reload();
    expect((await node.json('GET', '/jwks')).body.keys).toEqual(keys);
    await node.stop();
    await expect(TestApp.start({ secret: SECRET }, { db })).rejects.toThrow(/EXEUNT_SECRET is not the secret/);
    const after = await TestApp.start({ secret: NEXT }, { db });
    expect((await after.json('GET', '/jwks')).body.keys).toEqual(keys);
    await after.stop();
  });

  it('is not changed half: a key that cannot be read leaves all as they were', async () => {
    const node = await TestApp.start({ secret: SECRET }, { db });
    await db.query(`UPDATE signing_keys SET private_jwk = 'ey' || private_jwk WHERE alg = 'RS256'`);
    const before = await db.query('SELECT kid, private_jwk FROM signing_keys ORDER BY kid');
    await expect(node.app.get(KeyMaintenance).changeSecret(NEXT)).rejects.toThrow(/cannot be decrypted/);
    expect(await db.query('SELECT kid, private_jwk FROM signing_keys ORDER BY kid')).toEqual(before);
    await node.stop();
  });
});
