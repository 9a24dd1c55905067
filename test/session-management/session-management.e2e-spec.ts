import { createHash } from 'node:crypto';
import { PASSWORD, TestApp, type TestClient } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';
import { anApplication, endSessionUrl, signOut } from '../rp-initiated-logout/end-session.js';

const COOKIE = 'exeunt_browser_state';

/** The value as the frame computes it (Session Management 1.0 §3.2). */
function expected(clientId: string, origin: string, browser: Browser, salt: string): string {
  const text = `${clientId} ${origin} ${browser.cookie(COOKIE)} ${salt}`;
  return `${createHash('sha256').update(text).digest('hex')}.${salt}`;
}
const saltOf = (sessionState: string | null): string => sessionState?.split('.')[1] ?? '';
const setCookies = (page: Page, name = COOKIE): string[] =>
  page.headers.getSetCookie().filter((header) => header.startsWith(`${name}=`));

describe('Session Management 1.0', () => {
  let app: TestApp;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await anApplication(app, { redirect_uris: ['http://127.0.0.1:9/callback'] });
  });
  afterAll(() => app.stop());

  async function someone(overrides: Record<string, string> = {}) {
    const { login } = await app.createAccount();
    const browser = app.browser();
    let page = await browser.follow(await browser.get(app.authorizeUrl(client, overrides)));
    page = await browser.follow(await browser.submit(page, 'login-submit', { login, password: PASSWORD }));
    return { login, browser, page };
  }

  describe('session_state (§2)', () => {
    it('comes with the code, for the client, the origin and the state of the browser', async () => {
      const { browser, page } = await someone();
      const state = page.query.get('session_state');
      expect(page.query.has('code')).toBe(true);
      expect(state).toMatch(/^[0-9a-f]{64}\.[\w-]{22}$/);
      expect(state).toBe(expected(client.clientId, 'http://127.0.0.1:9', browser, saltOf(state)));
    });

    it('comes by form_post as well', async () => {
      const { browser, page } = await someone({ response_mode: 'form_post' });
      const state = /name="session_state" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
      expect(state).toBe(expected(client.clientId, 'http://127.0.0.1:9', browser, saltOf(state)));
    });

    it('fits the origin of the redirect URI that was used, not of another one that is registered', async () => {
      const two = await app.createClient({
        redirect_uris: ['https://one.example.com/callback', 'https://two.example.com/callback'],
      });
      const { browser } = await someone();
      const url = app.authorizeUrl(two, { redirect_uri: 'https://two.example.com/callback' });
      const state = (await browser.get(url)).query.get('session_state');
      expect(state).toBe(expected(two.clientId, 'https://two.example.com', browser, saltOf(state)));
    });

    it('comes with errors, salted anew each time, to a browser that we have never seen, too', async () => {
      const browser = app.browser();
      const ask = async () => {
        const page = await browser.get(app.authorizeUrl(client, { prompt: 'none' }));
        expect(page.query.get('error')).toBe('login_required');
        return page.query.get('session_state');
      };
      const [first, second] = [await ask(), await ask()];
      expect(first).not.toBe(second);
      for (const state of [first, second])
        expect(state).toBe(expected(client.clientId, 'http://127.0.0.1:9', browser, saltOf(state)));
    });

    it('comes when the person does not sign in, or does not allow it', async () => {
      const careful = await app.createClient({ skip_consent: false });
      const stranger = app.browser();
      const signIn = await stranger.follow(await stranger.get(app.authorizeUrl(careful)));
      const cancelled = await stranger.submit(signIn, 'login-cancel');
      expect(cancelled.query.get('error')).toBe('access_denied');
      const { browser } = await someone();
      const consent = await browser.follow(await browser.get(app.authorizeUrl(careful)));
      const denied = await browser.submit(consent, 'consent-deny');
      expect(denied.query.get('error')).toBe('access_denied');
      for (const page of [cancelled, denied]) expect(page.query.get('session_state')).toMatch(/^[0-9a-f]{64}\./);
    });

    it('is left out for an application without an origin: no page of it could hold the frame', async () => {
      const native = await app.createClient({
        application_type: 'native',
        redirect_uris: ['com.example.ledger:/callback'],
      });
      const { browser } = await someone();
      const page = await browser.get(app.authorizeUrl(native));
      expect([page.query.has('code'), page.query.has('session_state')]).toEqual([true, false]);
    });
  });

  describe('the state of the browser (§3.2)', () => {
    it('is random, readable by a script, and not the session’s cookie', async () => {
      const { browser, page } = await someone();
      const value = browser.cookie(COOKIE) ?? '';
      const session = browser.cookie('exeunt_session') ?? '';
      expect(value).toMatch(/^[\w-]{43}$/);
      expect(value).not.toBe(session);
      for (const encoding of ['hex', 'base64url'] as const)
        expect(createHash('sha256').update(session).digest(encoding)).not.toBe(value);
      const [header = ''] = setCookies(page);
      expect(header).toMatch(/SameSite=Lax/);
      expect(header).not.toMatch(/HttpOnly/i);
      const [stored] = await app.db.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM sessions WHERE sessions::text LIKE '%' || $1 || '%'`,
        [value],
      );
      expect(stored?.n).toBe(0);
    });

    it('https: belongs to this host alone, and reaches the frame of a foreign page', async () => {
      const https = await TestApp.start({ issuer: 'https://id.example.com' });
      try {
        const response = await fetch(
          `http://localhost:${https.settings.port}${https.authorizeUrl(await https.createClient(), { prompt: 'none' })}`,
          { redirect: 'manual' },
        );
        const header = response.headers.getSetCookie().find((one) => one.includes('browser_state')) ?? '';
        expect(header).toMatch(/^__Host-exeunt_browser_state=[\w-]{43}; /);
        expect(header).toMatch(/; Secure/);
        expect(header).toMatch(/SameSite=None/);
        expect(header).toMatch(/Path=\//);
        expect(header).not.toMatch(/Domain|HttpOnly/i);
      } finally {
        await https.stop();
      }
    });

    it('stays what it is while nothing happens', async () => {
      const { browser } = await someone();
      const before = browser.cookie(COOKIE);
      const again = await browser.get(app.authorizeUrl(client, { prompt: 'none' }));
      expect(again.query.has('code')).toBe(true);
      await browser.submit(await browser.get(endSessionUrl()), 'logout-no');
      expect(browser.cookie(COOKIE)).toBe(before);
    });

    it('is another one after each sign-in, also of the same person', async () => {
      const { browser, login } = await someone();
      const before = browser.cookie(COOKIE);
      const page = await browser.follow(await browser.get(app.authorizeUrl(client, { prompt: 'login' })));
      await app.signIn(browser, page, login);
      expect(browser.cookie(COOKIE)).not.toBe(before);
    });

    it('is another one when somebody else signs in', async () => {
      const { browser } = await someone();
      const other = await app.createAccount();
      const before = browser.cookie(COOKIE);
      const page = await browser.follow(await browser.get(app.authorizeUrl(client, { prompt: 'login' })));
      await app.signIn(browser, page, other.login);
      expect(browser.cookie(COOKIE)).not.toBe(before);
    });

    it.each(['logout-yes', 'logout-everywhere'])(
      'is replaced, not removed, by signing out (%s): gone it would be an error',
      async (button) => {
        const { browser } = await someone();
        const before = browser.cookie(COOKIE);
        const done = await browser.submit(await browser.get(endSessionUrl()), button);
        expect(setCookies(done)).toHaveLength(1);
        expect(browser.cookie(COOKIE)).toMatch(/^[\w-]{43}$/);
        expect(browser.cookie(COOKIE)).not.toBe(before);
      },
    );

    it('is replaced when the person ends the session of this browser among their sessions', async () => {
      const { browser } = await someone();
      const before = browser.cookie(COOKIE);
      const csrf = (await browser.get('/session/end_session')).formWith('logout-yes').fields.csrf ?? '';
      const [row] = await app.db.query<{ id: string }>(
        "SELECT id FROM sessions WHERE cookie_hash = sha256(convert_to($1, 'UTF8'))",
        [browser.cookie('exeunt_session')],
      );
      await browser.post(`/account/sessions/${row?.id}/end`, { csrf });
      expect(browser.cookie(COOKIE)).toMatch(/^[\w-]{43}$/);
      expect(browser.cookie(COOKIE)).not.toBe(before);
    });

    it('is replaced when one application alone is signed out of', async () => {
      const { browser, login } = await someone();
      const { id_token } = await app.signInTo(browser, client, login);
      const before = browser.cookie(COOKIE);
      await browser.submit(await browser.get(endSessionUrl({ id_token_hint: id_token })), 'logout-client');
      expect(browser.cookie(COOKIE)).not.toBe(before);
    });

    it('stays what it is for a forged logout', async () => {
      const { browser } = await someone();
      const before = browser.cookie(COOKIE);
      const refused = await browser.post('/session/end_session', { decision: 'logout', csrf: 'x', request: 'x' });
      expect([refused.status, browser.cookie(COOKIE)]).toEqual([403, before]);
    });

    it('a value that a foreign page planted does no more than make the frame say changed', async () => {
      const { browser } = await someone();
      browser.setCookie(COOKIE, 'x y="><script>');
      const page = await browser.get(app.authorizeUrl(client, { prompt: 'none' }));
      expect(page.query.get('session_state')).toMatch(/^[0-9a-f]{64}\.[\w-]{22}$/);
      expect((await signOut(browser)).status).toBe(200);
    });
  });

  describe('check_session_iframe (§3.2)', () => {
    it('is announced (§3.3)', async () => {
      const { body } = await app.json('GET', '/.well-known/openid-configuration');
      expect(body.check_session_iframe).toBe(`${app.issuer}/session/check_session`);
    });

    it('may be framed by anybody, unlike every other page, and runs its own script and nothing else', async () => {
      const page = await app.browser().get('/session/check_session');
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      expect(page.headers.get('x-frame-options')).toBeNull();
      const policy = page.headers.get('content-security-policy') ?? '';
      expect(policy).toContain('frame-ancestors *');
      const script = /<script>([\s\S]*?)<\/script>/.exec(page.body)?.[1] ?? '';
      const hash = createHash('sha256').update(script).digest('base64');
      expect(policy).toContain(`script-src 'sha256-${hash}'`);
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain('unsafe');
      for (const path of ['/session/end_session', '/authorize', '/account/sessions']) {
        const other = await app.browser().get(path);
        if (other.status === 303) continue;
        expect(other.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
        expect(other.headers.get('x-frame-options')).toBe('DENY');
      }
    });

    it('is the same for everybody: nothing of the person, no cookie, may be kept', async () => {
      const { browser } = await someone();
      const mine = await browser.get('/session/check_session');
      const theirs = await app.browser().get('/session/check_session');
      expect(mine.body).toBe(theirs.body);
      expect(mine.headers.getSetCookie()).toEqual([]);
      expect(mine.headers.get('cache-control')).toContain('public');
      expect(mine.body).not.toContain(browser.cookie(COOKIE));
    });

    it('never posts to whoever listens', async () => {
      const { body } = await app.browser().get('/session/check_session');
      expect(body).not.toMatch(/postMessage\([^)]*['"]\*['"]/);
    });
  });
});
