import { MINUTE } from '../support/clock.js';
import { PASSWORD, TestApp, type TestClient } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';

const HOUR = 60 * MINUTE;

describe('signing in', () => {
  let app: TestApp;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient();
  });
  afterAll(() => app.stop());

  const page = async (browser: Browser): Promise<Page> => browser.follow(await browser.get(app.authorizeUrl(client)));
  const attempt = async (browser: Browser, login: string, password: string): Promise<Page> =>
    browser.submit(await page(browser), 'login-submit', { login, password });

  it('says the same to an unknown login, a wrong password and a disabled account, and nothing begins', async () => {
    const [{ login }, disabled] = [await app.createAccount(), await app.createAccount()];
    await app.json('POST', `/admin/v1/accounts/${disabled.id}/disable`, { token: await app.adminToken() });
    const before = (await app.rowCounts()).sessions;
    const answers = [
      await attempt(app.browser(), 'nobody@example.com', PASSWORD),
      await attempt(app.browser(), login, 'wrong'),
      await attempt(app.browser(), disabled.login, PASSWORD),
    ];
    const alerts = answers.map(({ body }) => /role="alert"[^>]*>([^<]*)/.exec(body)?.[1]);
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
    expect(new Set(alerts).size).toBe(1);
    expect(alerts[0]).toBeTruthy();
    expect((await app.rowCounts()).sessions).toBe(before);
  });

  it('takes the login however it is capitalised', async () => {
    const { login } = await app.createAccount();
    expect((await attempt(app.browser(), ` ${login.toUpperCase()} `, PASSWORD)).query.get('code')).toBeTruthy();
  });

  it('sets a cookie that scripts and other sites cannot use', async () => {
    const { login } = await app.createAccount();
    const done = await attempt(app.browser(), login, PASSWORD);
    const cookie = done.headers.getSetCookie().find((header) => header.startsWith('exeunt_session='));
    expect(cookie).toMatch(/; Path=\/; .*HttpOnly; .*SameSite=Lax|; HttpOnly.*SameSite=Lax/);
    const [row] = await app.db.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM sessions WHERE encode(cookie_hash, 'escape') = $1",
      [/exeunt_session=([^;]+)/.exec(cookie ?? '')?.[1]],
    );
    expect(row?.n).toBe(0);
  });

  it('CSRF: refuses a form without our token, with another browser’s, or without cookies', async () => {
    const { login } = await app.createAccount();
    const [mine, theirs] = [app.browser(), app.browser()];
    const { action, fields } = (await page(mine)).formWith('login-submit');
    const foreign = (await page(theirs)).formWith('login-submit').fields.csrf ?? '';
    const typed = { login, password: PASSWORD };
    for (const send of [
      () => mine.post(action, typed),
      () => mine.post(action, { ...typed, csrf: foreign }),
      () => app.browser().post(action, { ...fields, ...typed }),
    ]) {
      const refused = await send();
      expect([refused.status, refused.headers.getSetCookie()]).toEqual([403, []]);
    }
    expect(
      await app.db.query('SELECT 1 FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE a.login = $1', [login]),
    ).toEqual([]);
  });

  it('an interaction belongs to the browser that began it, and answers once (threat-model#callback-used-twice)', async () => {
    const { login } = await app.createAccount();
    const mine = app.browser();
    const { location = '' } = await mine.get(app.authorizeUrl(client));
    const theirs = app.browser();
    await page(theirs);
    expect((await theirs.get(location)).status).toBe(400);
    const signIn = await mine.get(location);
    expect((await mine.submit(signIn, 'login-submit', { login, password: PASSWORD })).query.get('code')).toBeTruthy();
    expect((await mine.get(location)).status).toBe(400);
    expect((await mine.submit(signIn, 'login-submit', { login, password: PASSWORD })).status).toBe(400);
  });

  it('a lapsed interaction is a page that helps', async () => {
    const browser = app.browser();
    const { location = '' } = await browser.get(app.authorizeUrl(client));
    app.clock.advance(2 * HOUR);
    const lapsed = await browser.get(location);
    expect(lapsed.status).toBe(400);
    expect(lapsed.body).toContain('sign in again');
  });

  it('going back tells the application access_denied', async () => {
    const browser = app.browser();
    const back = await browser.submit(await page(browser), 'login-cancel');
    expect(Object.fromEntries(back.query)).toMatchObject({ error: 'access_denied', iss: app.issuer, state: 'a-state' });
  });

  describe('consent', () => {
    it('asks for claims that we know, and neither shows nor keeps a text of the application’s own (Core §5.5)', async () => {
      const asking = await app.createClient({ skip_consent: false });
      const account = await app.createAccount();
      const browser = app.browser();
      const text = 'approval by your administrator was granted';
      const names = { [text]: null, ['__proto__']: null, [`${text} `]: { essential: true }, constructor: null };
      const claims = JSON.stringify({ userinfo: { ...names, birthdate: null }, id_token: { ...names, locale: null } });
      const consent = await browser.follow(
        await app.signIn(browser, await browser.get(app.authorizeUrl(asking, { claims })), account.login),
      );
      expect(consent.body).not.toMatch(/approval|constructor|proto/);
      expect([...consent.body.matchAll(/data-scope="([^"]*)"/g)].map(([, name]) => name)).toEqual([
        'openid',
        'birthdate',
        'locale',
      ]);
      const code = (await browser.submit(consent, 'consent-submit')).query.get('code');
      expect(code).toBeTruthy();
      for (const table of ['interactions', 'grants', 'consents'])
        expect(await app.db.query(`SELECT 1 FROM ${table} x WHERE x::text LIKE '%approval%'`)).toEqual([]);
      // Text that was kept before is not shown either.
      await app.db.query('UPDATE consents SET claims = claims || $1::text[] WHERE account_id = $2', [
        [text],
        account.id,
      ]);
      expect((await browser.get('/account/applications')).body).not.toContain('approval');
    });

    it('is asked once, remembered over a logout, and asked again for more', async () => {
      const asking = await app.createClient({ skip_consent: false });
      const { login } = await app.createAccount();
      const browser = app.browser();
      const ask = async (scope: string): Promise<Page> =>
        browser.follow(await browser.get(app.authorizeUrl(asking, { scope })));
      const consent = await browser.follow(
        await browser.submit(await ask('openid email'), 'login-submit', { login, password: PASSWORD }),
      );
      expect(consent.has('consent-submit')).toBe(true);
      expect((await browser.submit(consent, 'consent-submit')).query.get('code')).toBeTruthy();
      await browser.submit(await browser.get('/session/end_session'), 'logout-yes');
      expect(
        (await browser.submit(await ask('openid email'), 'login-submit', { login, password: PASSWORD })).query.get(
          'code',
        ),
      ).toBeTruthy();
      expect((await ask('openid')).query.get('code')).toBeTruthy();
      const more = await ask('openid profile');
      expect(more.has('consent-submit')).toBe(true);
      const silent = await browser.get(app.authorizeUrl(asking, { scope: 'openid profile', prompt: 'none' }));
      expect(silent.query.get('error')).toBe('consent_required');
      expect((await browser.submit(more, 'consent-deny')).query.get('error')).toBe('access_denied');
      expect((await ask('openid profile')).has('consent-submit')).toBe(true);
      expect((await browser.get(app.authorizeUrl(asking, { prompt: 'consent' }))).location).toContain('/interaction/');
    });

    it('cannot be given by whoever is not signed in any more', async () => {
      const asking = await app.createClient({ skip_consent: false });
      const { login, id } = await app.createAccount();
      const browser = app.browser();
      const consent = await browser.follow(
        await app.signIn(browser, await browser.get(app.authorizeUrl(asking)), login),
      );
      await app.json('DELETE', `/admin/v1/sessions?account_id=${id}`, { token: await app.adminToken() });
      const answer = await browser.submit(consent, 'consent-submit');
      expect(answer.location).toBeUndefined();
      expect(answer.has('login-submit')).toBe(true);
      expect(await app.db.query('SELECT 1 FROM grants WHERE account_id = $1', [id])).toEqual([]);
    });
  });

  it('https: cookies are __Host- and Secure (threat-model#cookies-of-subdomains)', async () => {
    const secure = await TestApp.start({ issuer: 'https://id.example.test' });
    const response = await fetch(`http://localhost:${secure.settings.port}/session/end_session`);
    expect(response.headers.getSetCookie()[0]).toMatch(/^__Host-exeunt_browser=[\w-]+; .*Secure/);
    await secure.stop();
  });
});

describe('rate limits of sign-in', () => {
  it('a few wrong passwords lock nobody out; many wait with Retry-After; others are not held up', async () => {
    const app = await TestApp.start({ signInAccountFailures: 5 });
    const client = await app.createClient();
    const [victim, other] = [await app.createAccount(), await app.createAccount()];
    const attempt = async (login: string, password: string): Promise<Page> => {
      const browser = app.browser();
      return browser.submit(await browser.follow(await browser.get(app.authorizeUrl(client))), 'login-submit', {
        login,
        password,
      });
    };
    for (let failure = 0; failure < 4; failure += 1) expect((await attempt(victim.login, 'wrong')).status).toBe(400);
    expect((await attempt(victim.login, PASSWORD)).query.get('code')).toBeTruthy();
    for (let failure = 0; failure < 5; failure += 1) expect((await attempt(victim.login, 'wrong')).status).toBe(400);

    // Held in Postgres, so it holds on the next node too.
    const node = await TestApp.start({ signInAccountFailures: 5 }, { db: app.db, clock: app.clock });
    for (const at of [app, node]) {
      const browser = at.browser();
      const form = await browser.follow(await browser.get(at.authorizeUrl(client)));
      const refused = await browser.submit(form, 'login-submit', { login: victim.login, password: PASSWORD });
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await attempt(other.login, PASSWORD)).query.get('code')).toBeTruthy();
    await node.stop();
    await app.stop();
  });

  it('an address makes as many attempts a minute as is set, and no more', async () => {
    const app = await TestApp.start({ signInAddressPerMinute: 10 });
    const client = await app.createClient();
    const { login } = await app.createAccount();
    const browser = app.browser();
    const form = await browser.follow(await browser.get(app.authorizeUrl(client)));
    for (let attempt = 0; attempt < 10; attempt += 1) {
      expect((await browser.submit(form, 'login-submit', { login: `nobody-${attempt}`, password: 'x' })).status).toBe(
        400,
      );
    }
    const refused = await browser.submit(form, 'login-submit', { login, password: PASSWORD });
    expect([refused.status, refused.headers.has('retry-after')]).toEqual([429, true]);
    expect((await app.rowCounts()).sessions).toBe(0);
    await app.stop();
  });
});
