import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { AccountRouting } from '../../src/platform/keys/account-routing.js';
import { sha256 } from '../../src/platform/oidc/secret.js';
import { TestApp, type TestClient } from '../support/app.js';
import { MINUTE } from '../support/clock.js';
import type { Browser } from '../support/http.js';

const COOKIE = { randomBytes: 24, ids: 1 } as const;
const SESSION = 'exeunt_session';

describe('a session’s cookie names its account, masked (threat-model#account-in-artefacts)', () => {
  let app: TestApp;
  let client: TestClient;

  beforeEach(async () => {
    app = await TestApp.start();
    client = await app.createClient();
  });
  afterEach(() => app.stop());

  async function signedIn(): Promise<{ readonly id: string; readonly browser: Browser }> {
    const { id, login } = await app.createAccount();
    const browser = app.browser();
    await app.signInTo(browser, client, login);
    return { id, browser };
  }
  const isSignedIn = async (browser: Browser): Promise<boolean> =>
    (await browser.get(app.authorizeUrl(client, { prompt: 'none' }))).query.has('code');
  const cookieOf = (browser: Browser): string => browser.cookie(SESSION) ?? '';
  const sessions = () =>
    app.db.query('SELECT id, account_id, cookie_hash, terminated_at, before_routing FROM sessions ORDER BY id');

  /** As one was set before cookies named their account. */
  async function withOldCookie(browser: Browser): Promise<string> {
    const old = randomBytes(32).toString('base64url');
    await app.db.query('UPDATE sessions SET cookie_hash = $1, before_routing = true WHERE cookie_hash = $2', [
      sha256(old),
      sha256(cookieOf(browser)),
    ]);
    browser.setCookie(SESSION, old);
    return old;
  }

  it('by its routing and the hash of the whole, and says nothing of the account to others', async () => {
    const { id, browser } = await signedIn();
    const cookie = cookieOf(browser);
    expect(app.app.get(AccountRouting).read(COOKIE, cookie)).toEqual([id]);
    expect(Buffer.from(cookie, 'base64url').toString('hex')).not.toContain(id.replaceAll('-', ''));
    expect(await app.db.query('SELECT 1 FROM sessions WHERE cookie_hash = $1', [sha256(cookie)])).toHaveLength(1);
  });

  it.each([
    ['a bit of the random part', (bytes: Buffer) => bytes.writeUInt8(bytes.readUInt8(10) ^ 1, 10)],
    ['a bit of the account', (bytes: Buffer) => bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40)],
    ['the key', (bytes: Buffer) => bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)],
  ])('with %s changed it is no cookie, and nothing changes', async (_what, change) => {
    const { browser } = await signedIn();
    const before = await sessions();
    const bytes = Buffer.from(cookieOf(browser), 'base64url');
    change(bytes);
    browser.setCookie(SESSION, bytes.toString('base64url'));
    expect(await isSignedIn(browser)).toBe(false);
    expect(await sessions()).toEqual(before);
  });

  it('the routing of one account with the random part of another is no cookie', async () => {
    const [mia, ben] = [await signedIn(), await signedIn()];
    const [a, b] = [mia, ben].map(({ browser }) => Buffer.from(cookieOf(browser), 'base64url'));
    mia.browser.setCookie(SESSION, Buffer.concat([a!.subarray(0, 28), b!.subarray(28)]).toString('base64url'));
    expect(await isSignedIn(mia.browser)).toBe(false);
    expect(await isSignedIn(ben.browser)).toBe(true);
  });

  it('lives on when the key was rotated, also at once', async () => {
    const { browser } = await signedIn();
    const body = { immediately: true };
    expect((await app.json('POST', '/admin/v1/keys/rotate', { token: await app.adminToken(), body })).status).toBe(200);
    app.clock.advance(2 * MINUTE);
    expect(await isSignedIn(browser)).toBe(true);
    const later = await signedIn();
    const kid = (of: Browser): string => Buffer.from(cookieOf(of), 'base64url').toString('hex', 0, 4);
    expect(kid(later.browser)).not.toBe(kid(browser));
  });

  it('one of before is good until its session ends, and is replaced at the next proof', async () => {
    const { browser, id } = await signedIn();
    await withOldCookie(browser);
    expect(await isSignedIn(browser)).toBe(true);
    await browser.submit(await browser.get('/session/end_session'), 'logout-yes');
    expect(await isSignedIn(browser)).toBe(false);
    expect(await app.db.query('SELECT 1 FROM sessions WHERE terminated_at IS NOT NULL')).toHaveLength(1);

    const again = app.browser();
    const { login } = await app.createAccount();
    await app.signInTo(again, client, login);
    const old = await withOldCookie(again);
    const page = await again.get(app.authorizeUrl(client, { prompt: 'login' }));
    await app.signIn(again, page, login);
    expect(cookieOf(again)).not.toBe(old);
    const [row] = await app.db.query('SELECT before_routing FROM sessions WHERE account_id <> $1', [id]);
    expect(row).toEqual({ before_routing: false });
    again.setCookie(SESSION, old);
    expect(await isSignedIn(again)).toBe(false);
  });

  it('an old form finds none that was set since', async () => {
    const { browser } = await signedIn();
    const forged = randomBytes(32).toString('base64url');
    await app.db.query('UPDATE sessions SET cookie_hash = $1', [sha256(forged)]);
    browser.setCookie(SESSION, forged);
    expect(await isSignedIn(browser)).toBe(false);
  });

  it('costs a round trip whether it is there or not, and one of before a second', async () => {
    const { browser } = await signedIn();
    const sent = async (cookie: string): Promise<string[]> => {
      const names: string[] = [];
      const query = vi.spyOn(pg.Client.prototype, 'query');
      browser.setCookie(SESSION, cookie);
      await browser.get('/session/end_session');
      for (const [config] of query.mock.calls) {
        const { name = '' } = config as unknown as { name?: string };
        if (/^sessions_(find_(ended_)?by_cookie|before_routing)/.test(name)) names.push(name);
      }
      query.mockRestore();
      return names;
    };
    const good = cookieOf(browser);
    expect(await sent(good)).toEqual(['sessions_find_by_cookie']);
    const routed = app.app.get(AccountRouting).create(COOKIE, '00000000-0000-4000-8000-000000000000');
    // Asked once for a live session and once for one that is over.
    expect(await sent(routed)).toEqual(['sessions_find_by_cookie', 'sessions_find_ended_by_cookie']);
    const unknown = randomBytes(32).toString('base64url');
    expect(await sent(unknown)).toEqual(['sessions_before_routing_cookie', 'sessions_before_routing_cookie']);
    browser.setCookie(SESSION, good);
    expect(await sent(await withOldCookie(browser))).toEqual([
      'sessions_before_routing_cookie',
      'sessions_find_by_cookie',
    ]);
  });
});
