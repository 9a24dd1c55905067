import { decodeJwt } from 'jose';
import { TestApp, type TestClient } from '../support/app.js';
import { DAY, HOUR, MINUTE } from '../support/clock.js';
import type { Browser, Page } from '../support/http.js';
import { StubUpstream, type UpstreamSubject } from '../support/stub-upstream.js';
import { redeem } from '../tokens/token-requests.js';

const PASSWORD = 'urn:exeunt:acr:password';
const UPSTREAM = 'urn:exeunt:acr:upstream';

function essential(acr: object): string {
  return JSON.stringify({ id_token: { acr: { essential: true, ...acr } } });
}

describe('what an application demands of the sign-in survives the way through another provider', () => {
  let app: TestApp;
  let upstream: StubUpstream;
  let client: TestClient;
  let name: string;

  beforeAll(async () => {
    app = await TestApp.start();
    upstream = await StubUpstream.start(app.clock);
    client = await app.createClient();
    name = await upstream.register(app);
  });
  afterAll(() => Promise.all([app.stop(), upstream.stop()]));
  afterEach(() => {
    upstream.idTokenClaims = {};
  });

  async function ask(browser: Browser, overrides: Record<string, string> = {}): Promise<Page> {
    return browser.follow(await browser.get(app.authorizeUrl(client, overrides)));
  }

  /** Leaves for the provider by the page that the request got. */
  async function leave(browser: Browser, overrides: Record<string, string> = {}): Promise<URL> {
    const page = await ask(browser, overrides);
    const [, href] = new RegExp(`href="([^"]+/upstream/${name})"`).exec(page.body) ?? [];
    if (href === undefined) throw new Error(`not offered (status ${page.status})`);
    return new URL((await browser.get(href)).location ?? '');
  }

  async function signIn(
    browser: Browser,
    overrides: Record<string, string> = {},
    subject: UpstreamSubject = upstream.subject(),
  ): Promise<Page> {
    const url = await leave(browser, overrides);
    return browser.follow(await browser.get(upstream.authorize(url.href, subject)));
  }

  async function idToken(page: Page): Promise<Record<string, unknown>> {
    const { body } = await redeem(app, client, page.query.get('code') ?? '');
    return decodeJwt(String(body.id_token));
  }

  const silently = async (browser: Browser, overrides: Record<string, string> = {}): Promise<string | null> => {
    const page = await browser.get(app.authorizeUrl(client, { prompt: 'none', ...overrides }));
    return page.query.get('error') ?? (page.query.has('code') ? 'code' : null);
  };

  async function refusals(): Promise<Record<string, unknown>[]> {
    const { body } = await app.json('GET', '/admin/v1/audit-events?event=upstream_sign_in&outcome=refused', {
      token: await app.adminToken(),
    });
    return (body.items as { details: Record<string, unknown> }[]).map(({ details }) => details);
  }

  async function expectNobodySignedIn(browser: Browser, act: () => Promise<Page>): Promise<Page> {
    const before = await app.rowCounts();
    const cookie = browser.cookie('exeunt_session');
    const page = await act();
    const after = await app.rowCounts();
    for (const table of ['accounts', 'sessions', 'session_upstreams', 'grants'])
      expect([table, after[table]]).toEqual([table, before[table]]);
    expect(browser.cookie('exeunt_session')).toBe(cookie);
    return page;
  }

  describe('an essential acr (OpenID Connect Core 1.0 §5.5.1.1)', () => {
    it.each([
      ['value', { value: PASSWORD }],
      ['values', { values: [PASSWORD, 'urn:example:other'] }],
    ])('of a password, by %s: another provider is not offered, and cannot be had', async (_member, acr) => {
      const browser = app.browser();
      const page = await ask(browser, { claims: essential(acr) });
      expect([page.has('login-submit'), page.has('upstream-0')]).toEqual([true, false]);
      const [, interaction = ''] = /action="(\/interaction\/[^/"]+)\/sign-in"/.exec(page.body) ?? [];
      expect((await browser.get(`${interaction}/upstream/${name}`)).status).toBe(400);
      const { login } = await app.createAccount();
      const done = await browser.follow(await app.signIn(browser, page, login));
      expect(await idToken(done)).toMatchObject({ acr: PASSWORD, amr: ['pwd'] });
    });

    it('of a password: a session that another provider vouched for does not do, silently or not', async () => {
      const browser = app.browser();
      await signIn(browser);
      expect(await silently(browser)).toBe('code');
      expect(await silently(browser, { claims: essential({ value: PASSWORD }) })).toBe('login_required');
      expect((await ask(browser, { claims: essential({ value: PASSWORD }) })).has('login-submit')).toBe(true);
      expect(await silently(browser, { claims: essential({ values: [PASSWORD, UPSTREAM] }) })).toBe('code');
    });

    it('of another provider: it is the only way that is offered, and the ID token says so', async () => {
      const browser = app.browser();
      const page = await ask(browser, { claims: essential({ value: UPSTREAM }) });
      expect([page.has('login-submit'), page.has('upstream-0')]).toEqual([false, true]);
      const done = await signIn(browser, { claims: essential({ value: UPSTREAM }) });
      expect(await idToken(done)).toMatchObject({ acr: UPSTREAM });
      expect(await silently(browser, { claims: essential({ values: [UPSTREAM] }) })).toBe('code');
    });

    it('of another provider: a session that began here by password does not do', async () => {
      const browser = app.browser();
      const { login } = await app.createAccount();
      await app.signInTo(browser, client, login);
      expect(await silently(browser, { claims: essential({ value: UPSTREAM }) })).toBe('login_required');
    });

    it('of another provider, by a password all the same: the application is told, and gets no code', async () => {
      const browser = app.browser();
      const page = await ask(browser, { claims: essential({ value: UPSTREAM }) });
      const { login } = await app.createAccount();
      const [, interaction = ''] = /href="(\/interaction\/[^/"]+)\/upstream/.exec(page.body) ?? [];
      const csrf = page.formWith('login-cancel').fields.csrf ?? '';
      const answer = await browser.post(`${interaction}/sign-in`, {
        csrf,
        login,
        password: 'correct horse battery staple',
      });
      expect(answer.query.get('error')).toBe('unmet_authentication_requirements');
      expect(answer.query.has('code')).toBe(false);
    });

    it('of another provider, where none may serve the application: it is told at once', async () => {
      const token = await app.adminToken();
      await app.json('PATCH', `/admin/v1/upstreams/${name}`, { token, body: { clients: [] } });
      const page = await ask(app.browser(), { claims: essential({ value: UPSTREAM }) });
      expect(page.query.get('error')).toBe('unmet_authentication_requirements');
      await app.json('PATCH', `/admin/v1/upstreams/${name}`, { token, body: { clients: null } });
    });

    it('that nobody can give fails at once; both members must be met; a voluntary one is a wish', async () => {
      for (const acr of [{ value: 'urn:example:other' }, { values: [] }, { value: PASSWORD, values: [UPSTREAM] }])
        expect((await ask(app.browser(), { claims: essential(acr) })).query.get('error')).toBe(
          'unmet_authentication_requirements',
        );
      const wish = JSON.stringify({ id_token: { acr: { value: PASSWORD } } });
      expect((await signIn(app.browser(), { claims: wish, acr_values: PASSWORD })).query.has('code')).toBe(true);
    });

    it.each([
      ['a number', { values: 5 }],
      ['an object', { values: {} }],
    ])('with %s for values is the request’s mistake', async (_what, acr) => {
      const page = await ask(app.browser(), { claims: essential(acr) });
      expect(page.query.get('error')).toBe('invalid_request');
    });
  });

  describe('prompt=login (Core §3.1.2.1)', () => {
    it('demands of the provider that it asks, and that it says when', async () => {
      const url = await leave(app.browser(), { prompt: 'login' });
      expect(url.searchParams.get('prompt')).toBe('login');
      expect(url.searchParams.get('max_age')).toBe('0');
      const byAge = await leave(app.browser(), { max_age: '0' });
      expect(byAge.searchParams.get('prompt')).toBe('login');
      expect(byAge.searchParams.get('max_age')).toBe('0');
      const plain = await leave(app.browser());
      expect([plain.searchParams.get('prompt'), plain.searchParams.get('max_age')]).toEqual([null, null]);
    });

    it.each<[string, () => Record<string, unknown>]>([
      ['asked ten days ago', () => ({ auth_time: app.clock.seconds() - 10 * 24 * 3600 })],
      ['asked a minute before', () => ({ auth_time: app.clock.seconds() - 60 })],
      ['does not say when it asked', () => ({ auth_time: undefined })],
    ])('is not met by a provider that %s: the page says so and leaves other ways', async (_what, claims) => {
      for (const demand of [{ prompt: 'login' }, { max_age: '0' }]) {
        const browser = app.browser();
        const url = await leave(browser, demand);
        upstream.idTokenClaims = claims();
        const page = await expectNobodySignedIn(browser, () =>
          browser.get(upstream.authorize(url.href, upstream.subject())),
        );
        expect(page.status).toBe(400);
        expect(page.body).toContain('Corporate SSO did not ask you to sign in anew');
        expect([page.has('login-submit'), page.has('login-cancel')]).toEqual([true, true]);
        expect((await refusals())[0]).toMatchObject({ upstream: name });
        expect(String((await refusals())[0]?.reason)).toContain('auth_time');
      }
    });

    it('is met by whoever took their time there', async () => {
      const browser = app.browser();
      const url = await leave(browser, { prompt: 'login' });
      upstream.idTokenClaims = { auth_time: app.clock.seconds() + 5 };
      app.clock.advance(20 * MINUTE);
      const page = await browser.follow(await browser.get(upstream.authorize(url.href, upstream.subject())));
      expect(page.query.has('code')).toBe(true);
    });
  });

  describe('auth_time', () => {
    it('is the one that the provider tells, and max_age counts from it', async () => {
      const browser = app.browser();
      const asked = app.clock.seconds() - 2 * 3600;
      upstream.idTokenClaims = { auth_time: asked };
      expect(await idToken(await signIn(browser))).toMatchObject({ auth_time: asked });
      expect(await silently(browser, { max_age: '10000' })).toBe('code');
      expect(await silently(browser, { max_age: '3600' })).toBe('login_required');
    });

    it('is ours when it tells none, and never in the future', async () => {
      const now = app.clock.seconds();
      expect(await idToken(await signIn(app.browser()))).toMatchObject({ auth_time: now });
      upstream.idTokenClaims = { auth_time: now + 500 };
      expect(await idToken(await signIn(app.browser()))).toMatchObject({ auth_time: now });
      upstream.idTokenClaims = { auth_time: 1e300 };
      expect(await idToken(await signIn(app.browser()))).toMatchObject({ auth_time: now });
    });

    it('must fit max_age, which the provider is asked for', async () => {
      const browser = app.browser();
      const url = await leave(browser, { max_age: '600' });
      expect(url.searchParams.get('max_age')).toBe('600');
      upstream.idTokenClaims = { auth_time: app.clock.seconds() - 3600 };
      const page = await expectNobodySignedIn(browser, () =>
        browser.get(upstream.authorize(url.href, upstream.subject())),
      );
      expect(page.body).toContain('did not ask you to sign in anew');
      upstream.idTokenClaims = { auth_time: app.clock.seconds() - 500 };
      expect((await signIn(app.browser(), { max_age: '600' })).query.has('code')).toBe(true);
    });

    it('of long ago does not make the session one from before an order that ended everything', async () => {
      const subject = upstream.subject();
      const first = app.browser();
      await signIn(first, {}, subject);
      await app.db.query(
        'UPDATE accounts SET not_before = $2 WHERE id = (SELECT account_id FROM upstream_identities WHERE sub = $1)',
        [subject.sub, new Date(app.clock.now().getTime() + 500)],
      );
      expect(await silently(first)).toBe('login_required');
      app.clock.advance(1000);
      upstream.idTokenClaims = { auth_time: app.clock.seconds() - DAY / 1000 };
      const second = app.browser();
      expect((await signIn(second, {}, subject)).query.has('code')).toBe(true);
      expect(await silently(second)).toBe('code');
    });

    it('counts for the console, which asks again after twelve hours', async () => {
      const subject = upstream.subject();
      const browser = app.browser();
      await signIn(browser, {}, subject);
      await app.db.query(
        `UPDATE accounts SET roles = '{operator}' WHERE id = (SELECT account_id FROM upstream_identities WHERE sub = $1)`,
        [subject.sub],
      );
      expect((await browser.get('/console/logouts')).status).toBe(200);
      upstream.idTokenClaims = { auth_time: app.clock.seconds() - (13 * HOUR) / 1000 };
      await signIn(browser, { prompt: 'select_account' }, subject);
      expect((await browser.get('/console/logouts')).status).not.toBe(200);
    });
  });
});
