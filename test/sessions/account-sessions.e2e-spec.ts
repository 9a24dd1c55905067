import { PASSWORD, TestApp, type TestAccount, type TestClient } from '../support/app.js';
import type { Browser } from '../support/http.js';

describe('/account/sessions: a person and their devices', () => {
  let app: TestApp;
  let client: TestClient;
  let account: TestAccount;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient();
  });
  beforeEach(async () => {
    account = await app.createAccount();
  });
  afterAll(() => app.stop());

  async function device(userAgent: string): Promise<Browser> {
    const browser = app.browser({ 'user-agent': userAgent });
    const page = await browser.follow(await browser.get('/account/sessions'));
    const done = await browser.submit(page, 'login-submit', { login: account.login, password: PASSWORD });
    expect(done.location).toBe(`${app.issuer}/account/sessions`);
    return browser;
  }
  const isSignedIn = async (browser: Browser): Promise<boolean> =>
    (await browser.get(app.authorizeUrl(client, { prompt: 'none' }))).query.get('error') === null;
  /** The browser's CSRF token, from a page that always has a form. */
  const csrfOf = async (browser: Browser): Promise<string> =>
    (await browser.get('/session/end_session')).formWith('logout-yes').fields.csrf ?? '';
  const sessionOf = async (browser: Browser): Promise<string> => {
    const [row] = await app.db.query<{ id: string }>(
      "SELECT id FROM sessions WHERE cookie_hash = sha256(convert_to($1, 'UTF8'))",
      [browser.cookie('exeunt_session')],
    );
    return row?.id ?? '';
  };

  it('ends one, and leaves the other signed in', async () => {
    const [laptop, phone, tablet] = [await device('Laptop'), await device('Phone'), await device('Tablet')];
    const csrf = await csrfOf(laptop);
    const done = await laptop.post(`/account/sessions/${await sessionOf(phone)}/end`, { csrf });
    expect(done.location).toBe(`${app.issuer}/account/sessions?done=session_ended`);
    expect([await isSignedIn(laptop), await isSignedIn(phone), await isSignedIn(tablet)]).toEqual([true, false, true]);
  });

  it('ends all others, with what they were allowed to do while nobody is there, and keeps this one', async () => {
    const [here, there] = [await device('Here'), await device('There')];
    const mine = await app.signInTo(here, client, account.login, { scope: 'openid offline_access' });
    const theirs = await app.signInTo(there, client, account.login, { scope: 'openid offline_access' });
    await here.post('/account/sessions/end-others', { csrf: await csrfOf(here) });
    expect([await isSignedIn(here), await isSignedIn(there)]).toEqual([true, false]);
    expect([await app.isActive(client, mine.access_token), await app.isActive(client, theirs.access_token)]).toEqual([
      true,
      false,
    ]);
    const again = await here.post('/account/sessions/end-others', { csrf: await csrfOf(here) });
    expect(again.location).toContain('done=nothing_to_end');
  });

  it('IDOR: somebody else’s session is neither shown nor ended (threat-model#other-peoples-sessions)', async () => {
    const mine = await device('Mine');
    const [victim, session] = await (async () => {
      account = await app.createAccount();
      const browser = await device('Victim');
      return [browser, await sessionOf(browser)] as const;
    })();
    expect((await mine.get('/account/sessions')).body).not.toContain(session);
    const done = await mine.post(`/account/sessions/${session}/end`, { csrf: await csrfOf(mine) });
    expect(done.location).toContain('done=nothing_to_end');
    expect(await isSignedIn(victim)).toBe(true);
    expect(await app.db.query('SELECT 1 FROM session_terminations WHERE account_id = $1', [account.id])).toEqual([]);
  });

  it('CSRF: no token, another browser’s token: 403, and nothing ends', async () => {
    const [here, there] = [await device('Here'), await device('There')];
    for (const csrf of ['', await csrfOf(there)]) {
      expect((await here.post('/account/sessions/end-others', { csrf })).status).toBe(403);
      expect((await here.post(`/account/sessions/${await sessionOf(there)}/end`, { csrf })).status).toBe(403);
    }
    expect(await isSignedIn(there)).toBe(true);
  });

  it('is 400 for what is no session', async () => {
    const here = await device('Here');
    expect((await here.post('/account/sessions/x/end', { csrf: await csrfOf(here) })).status).toBe(400);
  });

  it('a session ends by itself: after its idle time, and, however busy, after its full time', async () => {
    const { SessionActivity } = await import('../../src/domain/sessions/session-activity.js');
    const activity = app.app.get(SessionActivity);
    const idle = await device('Idle');
    app.clock.advance(app.settings.sessionIdleMs - 1000);
    expect(await isSignedIn(idle)).toBe(true);
    await activity.flush();
    app.clock.advance(app.settings.sessionIdleMs - 1000);
    expect(await isSignedIn(idle)).toBe(true);
    for (let days = 0; days < 14; days += 1) {
      await activity.flush();
      app.clock.advance(24 * 60 * 60 * 1000);
      await isSignedIn(idle);
    }
    expect(await isSignedIn(idle)).toBe(false);
    const forgotten = await device('Forgotten');
    app.clock.advance(app.settings.sessionIdleMs + 1000);
    expect(await isSignedIn(forgotten)).toBe(false);
  });
});
