import { TestApp, type TestClient } from '../support/app.js';
import type { Page } from '../support/http.js';

const LIMIT = 5;
/** Addresses of one subscriber, of another one in the same /56, and of somebody else. */
const oneOf64 = (n: number): string => `2001:db8:1:100::${n.toString(16)}`;
const STRANGER = '2001:db8:ffff::1';

describe('what anybody may do is limited by address', () => {
  let app: TestApp;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start({
      trustProxy: 'loopback',
      registration: 'open',
      authorizePerMinute: LIMIT,
      registrationPerMinute: LIMIT,
      signInAddressPerMinute: 10,
      signInAccountFailures: 20,
    });
    client = await app.createClient();
  });
  afterAll(() => app.stop());
  beforeEach(() => app.db.query('TRUNCATE rate_limits'));

  const from = (address: string): { readonly 'x-forwarded-for': string } => ({ 'x-forwarded-for': address });
  const visit = (path: string, address: string): Promise<Page> => app.browser(from(address)).get(path);

  /** Too long for an address, so it is stored as it begins. */
  const longRequest = (): string => app.authorizeUrl(client, { state: 'x'.repeat(3000) });

  it.each([
    ['an authorization request', () => app.authorizeUrl(client)],
    ['a look at one’s own sessions', () => '/account/sessions'],
    ['a look at one’s own applications', () => '/account/applications'],
  ])('%s leaves no row, so there may be as many as there are', async (_, path) => {
    const before = await app.rowCounts();
    for (let n = 0; n < 2 * LIMIT; n += 1) {
      const browser = app.browser(from(oneOf64(1)));
      expect((await browser.follow(await browser.get(path()))).has('login-submit')).toBe(true);
    }
    expect(await app.rowCounts()).toEqual(before);
  });

  it('an authorization request that is too long for an address: 429 with Retry-After for the whole /64, and no row', async () => {
    const before = await app.rowCounts();
    for (let n = 0; n < LIMIT; n += 1) expect((await visit(longRequest(), oneOf64(n))).status).toBe(303);
    expect((await app.rowCounts()).interactions).toBe((before.interactions ?? 0) + LIMIT);
    const refused = await visit(longRequest(), oneOf64(99));
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect(refused.body).toContain('Too many requests');
    expect((await app.rowCounts()).interactions).toBe((before.interactions ?? 0) + LIMIT);
    expect((await visit(longRequest(), STRANGER)).status).toBe(303);
  });

  it('a refusal by a person who has not signed in: 429 with Retry-After for the whole /64, and no row', async () => {
    const refuse = async (address: string): Promise<Page> => {
      const browser = app.browser(from(address));
      return browser.submit(await browser.follow(await browser.get(app.authorizeUrl(client))), 'login-cancel');
    };
    const before = await app.rowCounts();
    for (let n = 0; n < LIMIT; n += 1) expect((await refuse(oneOf64(n))).query.get('error')).toBe('access_denied');
    const refused = await refuse(oneOf64(99));
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await app.rowCounts()).interactions).toBe((before.interactions ?? 0) + LIMIT);
    expect((await refuse(STRANGER)).query.get('error')).toBe('access_denied');
  });

  it('somebody who has a /56 does not have as many tries as it has networks', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 8 * LIMIT + 3; n += 1)
      statuses.push((await visit(longRequest(), `2001:db8:1:1${(n % 256).toString(16).padStart(2, '0')}::1`)).status);
    expect(statuses.filter((status) => status === 303)).toHaveLength(8 * LIMIT);
    expect(statuses.slice(-3)).toEqual([429, 429, 429]);
    expect((await visit(longRequest(), STRANGER)).status).toBe(303);
  });

  it('a registration: also one that is refused counts, and no client is made of one too many', async () => {
    const register = (address: string, body: object = { redirect_uris: ['https://app.example.org/cb'] }) =>
      fetch(`${app.issuer}/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...from(address) },
        body: JSON.stringify(body),
      });
    for (let n = 0; n < LIMIT - 1; n += 1) expect((await register(oneOf64(n))).status).toBe(201);
    expect((await register(oneOf64(50), { redirect_uris: [] })).status).toBe(400);
    const before = await app.rowCounts();
    const refused = await register(oneOf64(60));
    expect([refused.status, refused.headers.has('retry-after')]).toEqual([429, true]);
    expect(await refused.json()).toMatchObject({ error: 'too_many_requests' });
    expect((await app.rowCounts()).clients).toBe(before.clients);
    expect((await register(STRANGER)).status).toBe(201);
  });

  it('a sign-in: sixty addresses of one /64 are one', async () => {
    const { login } = await app.createAccount();
    const statuses: number[] = [];
    const browser = app.browser(from(STRANGER));
    const form = await browser.follow(await browser.get(app.authorizeUrl(client)));
    for (let n = 0; n < 15; n += 1) {
      browser.headers['x-forwarded-for'] = oneOf64(n);
      statuses.push((await browser.submit(form, 'login-submit', { login, password: `wrong-${n}` })).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 400), ...Array.from({ length: 5 }, () => 429)]);
  });
});

describe('wrong passwords, all at once', () => {
  it('no more are looked at than the limit says, and the right one is not among the rest', async () => {
    const app = await TestApp.start({ signInAccountFailures: 6 });
    const client = await app.createClient();
    const { login } = await app.createAccount();
    const browser = app.browser();
    const form = await browser.follow(await browser.get(app.authorizeUrl(client)));
    const guesses = Array.from({ length: 40 }, (_, n) =>
      browser.submit(form, 'login-submit', { login, password: `guess-${n}` }),
    );
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    const checked = statuses.filter((status) => status === 400).length;
    // Some are turned away because all hashers are busy: those were not looked at.
    expect(statuses.every((status) => [400, 429, 503].includes(status))).toBe(true);
    expect(checked).toBeGreaterThan(0);
    expect(checked).toBeLessThanOrEqual(6);
    expect((await app.rowCounts()).sessions).toBe(0);
    await app.stop();
  });

  it('one address that is refused again and again does not shut the person out elsewhere', async () => {
    const app = await TestApp.start({ trustProxy: 'loopback', signInAccountFailures: 3 });
    const client = await app.createClient();
    const { login } = await app.createAccount();
    const attempt = async (address: string, password?: string): Promise<Page> => {
      const browser = app.browser({ 'x-forwarded-for': address });
      return app.signIn(browser, await browser.get(app.authorizeUrl(client)), login, password);
    };
    for (let n = 0; n < 40; n += 1) await attempt('192.0.2.1', 'wrong');
    expect((await attempt('192.0.2.1')).status).toBe(429);
    expect((await attempt('198.51.100.1')).query.get('code')).toBeTruthy();
    await app.stop();
  });
});
