import { TestApp, type Tokens } from '../support/app.js';
import { DAY, HOUR } from '../support/clock.js';
import type { Browser, Page } from '../support/http.js';
import { StubUpstream, type UpstreamSubject } from '../support/stub-upstream.js';
import { csp } from '../dialects/vmware-csp/scene.js';
import { aFacilitator, AUTHENTICATE, es, LOGOUT, PREPARE } from '../dialects/elasticsearch/scene.js';
import {
  anApplication,
  endSessionUrl,
  SIGNED_OUT_URI,
  type TestApplication,
} from '../rp-initiated-logout/end-session.js';
import { signInBy } from './scene.js';

const MAX_URL = 8000;
const GROUPS = { groups: Array.from({ length: 600 }, (_, index) => `department-of-long-names-${index}`) };

describe('whoever came by another provider gets to the logout there, from every dialect', () => {
  let app: TestApp;
  let upstream: StubUpstream;
  let application: TestApplication;
  let name: string;

  beforeAll(async () => {
    app = await TestApp.start();
    upstream = await StubUpstream.start(app.clock);
    application = await anApplication(app);
    name = await upstream.register(app, {
      redirect_uri: 'https://kibana.example.com/callback',
      post_logout_redirect_uri: 'https://kibana.example.com/bye',
    });
  });
  afterAll(() => Promise.all([app.stop(), upstream.stop()]));

  function aGuest(subject: UpstreamSubject = upstream.subject(), client = application) {
    return signInBy(app, upstream, client, name, subject);
  }

  /** Where the page sends the browser by itself. */
  function onwardOf(page: Page): URL {
    const [, url] = /^0;url=(.+)$/.exec(page.headers.get('refresh') ?? '') ?? [];
    if (url === undefined) throw new Error(`does not go on (status ${page.status} ${page.location ?? ''})`);
    return new URL(url);
  }

  async function comeBack(browser: Browser, leaving: URL): Promise<Page> {
    const back = new URL(leaving.searchParams.get('post_logout_redirect_uri') ?? '');
    back.searchParams.set('state', leaving.searchParams.get('state') ?? '');
    return browser.get(back.href);
  }

  function asked(tokens: Tokens): string {
    return endSessionUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI, state: 's' });
  }

  describe('where an application’s server has ended the session (VMware CSP)', () => {
    async function byServer(tokens: Tokens, query: Record<string, string> = {}): Promise<string> {
      const answer = await csp(app, {
        body: { idToken: tokens.id_token },
        query: { post_logout_redirect_uri: SIGNED_OUT_URI, state: 's', ...query },
      });
      expect(answer.status).toBe(200);
      // The caller proved nothing but that it knows an ID token of ours: it learns none of the provider's.
      expect(answer.body).not.toContain(upstream.origin);
      return String(answer.json.url);
    }

    it('the person’s browser goes on to the provider, and from there to the registered URI', async () => {
      const subject = upstream.subject();
      const { browser, tokens } = await aGuest(subject);
      const url = await byServer(tokens);
      expect(await app.isActive(application, tokens.access_token)).toBe(false);
      const page = await browser.get(url);
      const there = onwardOf(page);
      expect(there.origin + there.pathname).toBe(`${upstream.origin}/end`);
      expect(there.searchParams.get('id_token_hint')).toMatch(/^eyJ/);
      expect((await comeBack(browser, there)).location).toBe(`${SIGNED_OUT_URI}?state=s`);
    });

    it('another browser, with another cookie or none, learns nothing of the provider', async () => {
      const { tokens } = await aGuest();
      const url = await byServer(tokens);
      const { browser: other } = await aGuest();
      for (const browser of [app.browser(), other]) {
        const page = await browser.get(url);
        expect(page.headers.get('refresh')).toBeNull();
        expect(page.body).not.toContain(upstream.origin);
      }
    });

    it('an image or a prefetch does not lead there', async () => {
      const { browser, tokens } = await aGuest();
      const url = await byServer(tokens);
      const page = await browser.get(url, { 'sec-fetch-dest': 'image' });
      expect(page.headers.get('refresh')).toBeNull();
    });

    it('a hint of another session does not lead there', async () => {
      const { browser, tokens } = await aGuest();
      await byServer(tokens);
      const { tokens: others } = await aGuest();
      expect((await browser.get(asked(others))).headers.get('refresh')).toBeNull();
    });

    it('a day later the browser is nobody’s any more', async () => {
      const { browser, tokens } = await aGuest();
      const url = await byServer(tokens);
      app.clock.advance(DAY + HOUR);
      expect((await browser.get(url)).headers.get('refresh')).toBeNull();
    });

    it('a provider without an end-session endpoint: on to the registered URI at once', async () => {
      const silent = await StubUpstream.start(app.clock);
      silent.endSessionPath = undefined;
      const its = await silent.register(app);
      const { browser, tokens } = await signInBy(app, silent, application, its, silent.subject());
      const page = await browser.get(await byServer(tokens));
      expect([page.status, page.location]).toEqual([303, `${SIGNED_OUT_URI}?state=s`]);
      await app.json('DELETE', `/admin/v1/upstreams/${its}`, { token: await app.adminToken() });
      await silent.stop();
    });
  });

  it('by the realm of ours, where the person signed in on our page by the provider (Elasticsearch)', async () => {
    const facilitator = await aFacilitator(app);
    const prepared = await es(app, { path: PREPARE, body: { realm: 'exeunt' }, as: facilitator });
    const browser = app.browser();
    const page = await browser.follow(await browser.get(String(prepared.json.redirect)));
    const left = await browser.get(new RegExp(`href="([^"]+/upstream/${name})"`).exec(page.body)?.[1] ?? '');
    const back = await browser.follow(await browser.get(upstream.authorize(left.location ?? '', upstream.subject())));
    const { state, nonce } = prepared.json;
    const body = { redirect_uri: back.location, state, nonce, realm: 'exeunt' };
    const { json } = await es(app, { path: AUTHENTICATE, body, as: facilitator });
    const tokens = { token: json.access_token, refresh_token: json.refresh_token };
    const ended = await es(app, { path: LOGOUT, body: tokens, as: facilitator });
    const there = onwardOf(await browser.get(String(ended.json.redirect)));
    expect(there.origin + there.pathname).toBe(`${upstream.origin}/end`);
    expect((await comeBack(browser, there)).location).toContain('https://kibana.example.com/signed-out?state=');
  });

  it('where the session has lapsed meanwhile, and nobody says where to go on to: the page has a link', async () => {
    const { browser } = await aGuest();
    app.clock.advance(app.settings.sessionIdleMs + 1000);
    const page = await browser.get('/session/end_session');
    expect(page.headers.get('refresh')).toBeNull();
    expect(page.body).toContain('Sign out of Corporate SSO too');
  });

  describe('by a URL that servers take, however large its ID token is (RP-Initiated Logout 1.0 §2)', () => {
    function expectWithoutHint(url: URL, email: string): void {
      expect(url.href.length).toBeLessThanOrEqual(MAX_URL);
      expect(url.searchParams.has('id_token_hint')).toBe(false);
      expect(url.searchParams.get('client_id')).toBe(upstream.clientId);
      expect(url.searchParams.get('logout_hint')).toBe(email);
      expect(url.searchParams.has('post_logout_redirect_uri')).toBe(true);
      expect(url.searchParams.has('state')).toBe(true);
    }

    const large = (): UpstreamSubject =>
      upstream.subject({ ...GROUPS, preferred_username: 'ada.large', email: 'ada@example.org' });

    it('from the dialog', async () => {
      const { browser, tokens } = await aGuest(large());
      const page = await browser.submit(await browser.get(asked(tokens)), 'logout-yes', { upstream: 'logout' });
      const there = onwardOf(page);
      expectWithoutHint(there, 'ada.large');
      const back = await comeBack(browser, there);
      expect(back.location).toBe(`${SIGNED_OUT_URI}?state=s`);
    });

    it('from the Elasticsearch logout', async () => {
      const facilitator = await aFacilitator(app);
      const prepared = await es(app, { path: PREPARE, body: { realm: name }, as: facilitator });
      const redirectUri = upstream.authorize(String(prepared.json.redirect), {
        ...large(),
        claims: { ...large().claims, login_hint: 'opaque-hint' },
      });
      const { state, nonce } = prepared.json;
      const { json } = await es(app, {
        path: AUTHENTICATE,
        body: { redirect_uri: redirectUri, state, nonce, realm: name },
        as: facilitator,
      });
      const ended = await es(app, {
        path: LOGOUT,
        body: { token: json.access_token, refresh_token: json.refresh_token },
        as: facilitator,
      });
      expectWithoutHint(new URL(String(ended.json.redirect)), 'opaque-hint');
    });

    it('from the CSP logout, with the cookie', async () => {
      const { browser } = await aGuest(large());
      const { json } = await csp(app, { browser });
      const url = new URL(String(json.url));
      expect(url.href.length).toBeLessThanOrEqual(MAX_URL);
      expect(url.origin + url.pathname).toBe(`${upstream.origin}/end`);
      expect([url.searchParams.get('client_id'), url.searchParams.has('id_token_hint')]).toEqual(['exeunt', false]);
    });
  });
});
