import { TestApp, type TestClient, type Tokens } from '../support/app.js';
import type { Browser } from '../support/http.js';
import { StubUpstream, type UpstreamSubject } from '../support/stub-upstream.js';
import { promptNone } from '../rp-initiated-logout/end-session.js';
import { leave, operator, signInBy } from './scene.js';

/** `clients` of an upstream says what its word for a person is good for, not only where it is offered. */
describe('an upstream that is for some applications only', () => {
  let app: TestApp;
  let upstream: StubUpstream;
  let portal: TestClient;
  let internal: TestClient;
  let name: string;

  beforeAll(async () => {
    app = await TestApp.start();
    upstream = await StubUpstream.start(app.clock);
    portal = await app.createClient({ scope: 'openid offline_access profile' });
    internal = await app.createClient();
  });
  afterAll(() => Promise.all([app.stop(), upstream.stop()]));
  beforeEach(async () => {
    name = await upstream.register(app, { clients: [portal.clientId] });
  });
  afterEach(async () => {
    await call('DELETE', `/upstreams/${name}`);
  });

  async function call(method: string, path: string, body?: object) {
    return operator(app, await app.adminToken())(method, path, body);
  }

  async function change(body: object): Promise<void> {
    expect((await call('PATCH', `/upstreams/${name}`, body)).status).toBe(200);
  }

  function partner(subject: UpstreamSubject = upstream.subject()) {
    return signInBy(app, upstream, portal, name, subject);
  }

  async function link(subject: UpstreamSubject): Promise<string> {
    const { id, login } = await app.createAccount();
    const body = { issuer: upstream.issuer, sub: subject.sub };
    expect((await call('POST', `/accounts/${id}/identities`, body)).status).toBe(201);
    return login;
  }

  async function expectNoCode(browser: Browser, client: TestClient): Promise<void> {
    const before = (await app.rowCounts()).grants;
    expect(await promptNone(app, browser, client)).toBe('login_required');
    const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
    expect([page.status, page.has('login-submit')]).toEqual([200, true]);
    expect(page.body).not.toContain('confirm it is you');
    expect((await app.rowCounts()).grants).toBe(before);
  }

  it('vouches for nobody at any other: single sign-on ends there', async () => {
    const { browser } = await partner();
    expect(await promptNone(app, browser, portal)).toBe('code');
    await expectNoCode(browser, internal);
    expect(await promptNone(app, browser, portal)).toBe('code');
  });

  it('is not offered to whoever comes for no application, and cannot be had there', async () => {
    const browser = app.browser();
    const page = await browser.follow(await browser.get('/account/sessions'));
    expect(page.has('login-submit')).toBe(true);
    expect(page.body).not.toContain(name);
    const [, interaction = ''] = /action="(\/interaction\/[^/"]+)\/sign-in"/.exec(page.body) ?? [];
    expect((await browser.get(`${interaction}/upstream/${name}`)).status).toBe(400);
    await change({ clients: null });
    const again = await browser.follow(await browser.get('/account/sessions'));
    expect(again.body).toContain(`/upstream/${name}`);
  });

  it('takes nobody back for their own pages who left before it was restricted', async () => {
    await change({ clients: null });
    const browser = app.browser();
    const page = await browser.follow(await browser.get('/account/sessions'));
    const [, href = ''] = new RegExp(`href="([^"]+/upstream/${name})"`).exec(page.body) ?? [];
    const left = await browser.get(href);
    await change({ clients: [portal.clientId] });
    const before = (await app.rowCounts()).sessions;
    expect((await browser.get(upstream.authorize(left.location ?? '', upstream.subject()))).status).toBe(400);
    expect((await app.rowCounts()).sessions).toBe(before);
  });

  it('lets the person see and end that session all the same', async () => {
    const { browser } = await partner();
    expect((await browser.get('/account/sessions')).status).toBe(200);
    const page = await browser.submit(await browser.get('/session/end_session'), 'logout-yes');
    expect(page.status).toBe(200);
    expect(await promptNone(app, browser, portal)).toBe('login_required');
  });

  it('does not take away what the person proved here, before or after', async () => {
    const subject = upstream.subject();
    const login = await link(subject);
    const browser = app.browser();
    await app.signInTo(browser, internal, login);
    const page = await browser.follow(await browser.get(app.authorizeUrl(portal, { prompt: 'login' })));
    const left = await browser.get(new RegExp(`href="([^"]+/upstream/${name})"`).exec(page.body)?.[1] ?? '');
    await browser.follow(await browser.get(upstream.authorize(left.location ?? '', subject)));
    expect(await promptNone(app, browser, internal)).toBe('code');

    const other = upstream.subject();
    const itsLogin = await link(other);
    const { browser: second } = await partner(other);
    await expectNoCode(second, internal);
    await app.signInTo(second, internal, itsLogin);
    expect(await promptNone(app, second, internal)).toBe('code');
    expect(await promptNone(app, second, portal)).toBe('code');
  });

  it('asks whoever signs in to the other application anew, and another person takes the place of the first (threat-model#reused-session-id)', async () => {
    const { browser, tokens } = await partner();
    const { login } = await app.createAccount();
    await app.signInTo(browser, internal, login);
    expect(await app.isActive(portal, tokens.access_token)).toBe(false);
  });

  it('makes nobody an operator', async () => {
    const subject = upstream.subject();
    const login = await link(subject);
    const [account] = await app.db.query<{ id: string }>('SELECT id FROM accounts WHERE login = $1', [login]);
    expect((await call('PUT', `/accounts/${account?.id}/roles`, { roles: ['operator'] })).status).toBe(200);
    const { browser } = await partner(subject);
    expect((await browser.get('/console/logouts')).status).not.toBe(200);
    await change({ clients: null });
    expect((await browser.get('/console/logouts')).status).toBe(200);
  });

  it('goes on to count for those who came by it when it is disabled: nobody new comes', async () => {
    const { browser, tokens } = await partner();
    await change({ enabled: false });
    expect(await app.isActive(portal, tokens.access_token)).toBe(true);
    expect(await promptNone(app, browser, portal)).toBe('code');
    await expectNoCode(browser, internal);
  });

  describe.each([
    ['`clients` no longer names the application', { clients: ['somebody-else'] }],
    ['`clients` is empty', { clients: [] }],
  ])('when %s', (_what, restriction) => {
    const lift = (): Promise<void> => change({ clients: [portal.clientId] });

    async function expectDead(tokens: Tokens): Promise<void> {
      expect(await app.isActive(portal, tokens.access_token)).toBe(false);
      expect(await app.isActive(portal, tokens.refresh_token)).toBe(false);
      const userinfo = await app.json('GET', '/userinfo', { token: tokens.access_token });
      expect(userinfo.status).toBe(401);
      const { status, body } = await app.refresh(portal, tokens.refresh_token);
      expect([status, body.error]).toEqual([400, 'invalid_grant']);
    }

    it('what rests on its word is good for nothing from that moment on, and once it may again it is', async () => {
      const { browser, tokens } = await partner();
      await change(restriction);
      await expectDead(tokens);
      expect(await promptNone(app, browser, portal)).toBe('login_required');
      await lift();
      expect(await app.isActive(portal, tokens.access_token)).toBe(true);
      expect((await app.refresh(portal, tokens.refresh_token)).status).toBe(200);
    });

    it('so is what was allowed for when nobody is there, also once the session is over', async () => {
      const browser = app.browser();
      const page = await browser.follow(
        await browser.get(app.authorizeUrl(portal, { scope: 'openid offline_access', prompt: 'consent' })),
      );
      const left = await browser.get(new RegExp(`href="([^"]+/upstream/${name})"`).exec(page.body)?.[1] ?? '');
      const back = await browser.follow(await browser.get(upstream.authorize(left.location ?? '', upstream.subject())));
      const { body } = await app.form(
        '/token',
        { grant_type: 'authorization_code', code: back.query.get('code') ?? '', redirect_uri: portal.redirectUri },
        portal,
      );
      const tokens = body as unknown as Tokens;
      await browser.submit(await browser.get('/session/end_session'), 'logout-yes');
      expect(await app.isActive(portal, tokens.access_token)).toBe(true);
      await change(restriction);
      await expectDead(tokens);
    });

    it('a code that was given before is not redeemed', async () => {
      const browser = app.browser();
      const left = await leave(app, portal, name, browser);
      const back = await browser.follow(await browser.get(upstream.authorize(left.location ?? '', upstream.subject())));
      await change(restriction);
      const { status, body } = await app.form(
        '/token',
        { grant_type: 'authorization_code', code: back.query.get('code') ?? '', redirect_uri: portal.redirectUri },
        portal,
      );
      expect([status, body.error]).toEqual([400, 'invalid_grant']);
    });

    it('what is taken back meanwhile stays taken back', async () => {
      const { tokens } = await partner();
      await change(restriction);
      expect((await app.form('/revoke', { token: tokens.refresh_token }, portal)).status).toBe(200);
      await lift();
      expect(await app.isActive(portal, tokens.access_token)).toBe(false);
      expect((await app.refresh(portal, tokens.refresh_token)).status).toBe(400);
    });

    it('a sign-in by password in the same session counts, for what is allowed after it', async () => {
      const subject = upstream.subject();
      const login = await link(subject);
      const { browser, tokens } = await partner(subject);
      await change(restriction);
      const anew = await app.signInTo(browser, portal, login);
      expect(await app.isActive(portal, anew.access_token)).toBe(true);
      expect(await app.isActive(portal, tokens.access_token)).toBe(false);
    });
  });
});
