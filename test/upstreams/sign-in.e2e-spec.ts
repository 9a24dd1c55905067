import { TestApp, type TestClient } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';
import { StubUpstream, type UpstreamSubject } from '../support/stub-upstream.js';
import { leave as leaveFor } from './scene.js';

describe('sign-in with another provider (OpenID Connect Core 1.0 §3.1)', () => {
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
    upstream.down.clear();
    upstream.idTokenClaims = {};
    upstream.tokenType = 'Bearer';
  });

  async function signInPage(browser: Browser, overrides: Record<string, string> = {}): Promise<Page> {
    return browser.follow(await browser.get(app.authorizeUrl(client, overrides)));
  }

  /** The whole way to tokens of ours. */
  async function signIn(browser: Browser, subject: UpstreamSubject): Promise<Page> {
    return browser.follow(await upstream.signIn(browser, await signInPage(browser), subject));
  }

  async function leave(browser: Browser, overrides: Record<string, string> = {}): Promise<URL> {
    const href = /href="([^"]+)"[^>]*id="upstream-0"|id="upstream-0"[^>]*href="([^"]+)"/.exec(
      (await signInPage(browser, overrides)).body,
    );
    const page = await browser.get(href?.[1] ?? href?.[2] ?? '');
    return new URL(page.location ?? '');
  }

  async function accounts(): Promise<{ id: string; login: string; claims: Record<string, unknown> }[]> {
    return app.db.query('SELECT id, login, claims FROM accounts ORDER BY created_at, id');
  }

  it('leads from the sign-in page to the provider with PKCE, state and nonce, and back to the application', async () => {
    const browser = app.browser();
    const subject = upstream.subject();
    const page = await signInPage(browser);
    expect(page.body).toContain('Corporate SSO');
    const url = await leave(browser);
    expect(url.origin + url.pathname).toBe(`${upstream.origin}/authorize`);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'exeunt',
      scope: 'openid profile email',
      redirect_uri: `${app.issuer}/upstreams/${name}/callback`,
      code_challenge_method: 'S256',
    });
    for (const parameter of ['state', 'nonce', 'code_challenge'])
      expect(url.searchParams.get(parameter)).toMatch(/^[\w-]{43}$/);
    const answer = await browser.follow(await browser.get(upstream.authorize(url.href, subject)));
    expect(answer.location).toContain(client.redirectUri);
    expect(answer.query.get('code')).not.toBeNull();
    expect(browser.cookie('exeunt_session')).toBeDefined();
  });

  it('makes an account at the first sign-in and finds it again at the next', async () => {
    const subject = upstream.subject({ email: 'ada@example.org', email_verified: true });
    await signIn(app.browser(), subject);
    const before = await accounts();
    const made = before.at(-1);
    expect(made).toMatchObject({
      login: `${name}:${subject.sub}`,
      claims: { name: 'Ada Upstream', email: 'ada@example.org', email_verified: false },
    });
    await signIn(app.browser(), { ...subject, claims: { ...subject.claims, name: 'Ada Renamed' } });
    const after = await accounts();
    expect(after).toHaveLength(before.length);
    expect(after.at(-1)).toMatchObject({ id: made?.id, claims: { name: 'Ada Renamed' } });
  });

  it('never links by e-mail, verified or not', async () => {
    const local = await app.createAccount('owner@example.org', { email: 'owner@example.org', email_verified: true });
    const subject = upstream.subject({
      email: 'owner@example.org',
      email_verified: true,
      preferred_username: 'owner@example.org',
    });
    const browser = app.browser();
    await signIn(browser, subject);
    const [session] = await app.db.query<{ account_id: string }>(
      'SELECT s.account_id FROM sessions s JOIN session_upstreams u ON u.session_id = s.id WHERE u.sub = $1',
      [subject.sub],
    );
    expect(session?.account_id).not.toBe(local.id);
    expect((await accounts()).find(({ id }) => id === session?.account_id)?.login).toBe(`${name}:owner@example.org`);
  });

  it('signs in to the account that an operator linked by issuer and sub', async () => {
    const local = await app.createAccount();
    const subject = upstream.subject();
    const token = await app.adminToken();
    const linked = await app.json('POST', `/admin/v1/accounts/${local.id}/identities`, {
      token,
      body: { issuer: upstream.issuer, sub: subject.sub },
    });
    expect(linked.status).toBe(201);
    const tokens = await app.signInTo(app.browser(), client, local.login);
    expect(tokens.id_token).toBeDefined();
    await signIn(app.browser(), subject);
    const [session] = await app.db.query<{ account_id: string }>(
      'SELECT s.account_id FROM sessions s JOIN session_upstreams u ON u.session_id = s.id WHERE u.sub = $1',
      [subject.sub],
    );
    expect(session?.account_id).toBe(local.id);
    // What the upstream says does not overwrite an account that was here before.
    expect((await accounts()).find(({ id }) => id === local.id)?.claims.name).toBe('Mia Example');
  });

  it('keeps issuer, sub, sid and the ID token with the session, the token sealed', async () => {
    const subject = upstream.subject();
    await signIn(app.browser(), subject);
    const [row] = await app.db.query('SELECT * FROM session_upstreams WHERE sub = $1', [subject.sub]);
    expect(row).toMatchObject({ issuer: upstream.issuer, sid: subject.sid });
    expect(String(row?.id_token)).not.toMatch(/^eyJ/);
  });

  it('says in the ID token that another provider vouched for the person', async () => {
    const browser = app.browser();
    const answer = await signIn(browser, upstream.subject({ amr: ['mfa'] }));
    const { body } = await app.form(
      '/token',
      { grant_type: 'authorization_code', code: answer.query.get('code') ?? '', redirect_uri: client.redirectUri },
      client,
    );
    const claims = JSON.parse(Buffer.from(String(body.id_token).split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({ amr: ['fed', 'mfa'], acr: 'urn:exeunt:acr:upstream' });
  });

  it('passes prompt, max_age and login_hint on', async () => {
    const url = await leave(app.browser(), { prompt: 'login', max_age: '60', login_hint: 'ada@example.org' });
    expect(url.searchParams.get('prompt')).toBe('login');
    expect(url.searchParams.get('max_age')).toBe('60');
    expect(url.searchParams.get('login_hint')).toBe('ada@example.org');
  });

  it('reads claims from userinfo where the ID token has none', async () => {
    const other = await StubUpstream.start(app.clock);
    const subject = { ...other.subject(), claims: {} };
    other.userinfo = { sub: subject.sub, name: 'From Userinfo', email: 'userinfo@example.org' };
    const id = await other.register(app, { display_name: 'AAA first in no list' });
    const browser = app.browser();
    const page = await signInPage(browser);
    const index = [...page.body.matchAll(/id="upstream-(\d)"[\s\S]*?<\/a>/g)].findIndex(([html]) =>
      html.includes('AAA'),
    );
    const answer = await browser.follow(await other.signIn(browser, page, subject, index));
    expect({ status: answer.status, code: answer.query.has('code') }).toEqual({ status: 303, code: true });
    expect((await accounts()).at(-1)?.claims).toMatchObject({ name: 'From Userinfo', email: 'userinfo@example.org' });
    const wrong = { ...other.subject(), claims: {} };
    const before = (await accounts()).length;
    const refused = await other
      .signIn(app.browser(), await signInPage(app.browser()), wrong, index)
      .catch(() => undefined);
    expect(refused?.status ?? 400).toBe(400);
    expect(await accounts()).toHaveLength(before);
    await app.json('DELETE', `/admin/v1/upstreams/${id}`, { token: await app.adminToken() });
    await other.stop();
  });

  describe('each answer is taken once, from the browser that left, and only when all of it fits', () => {
    async function expectRefused(send: () => Promise<Page>, status: number): Promise<Page> {
      const before = await app.rowCounts();
      const page = await send();
      expect(page.status).toBe(status);
      const after = await app.rowCounts();
      for (const table of ['accounts', 'sessions', 'session_upstreams', 'upstream_identities', 'grants'])
        expect([table, after[table]]).toEqual([table, before[table]]);
      return page;
    }

    it('refuses an answer that was used before (threat-model#callback-used-twice)', async () => {
      const browser = app.browser();
      const url = upstream.authorize((await leave(browser)).href, upstream.subject());
      await browser.get(url);
      await expectRefused(() => browser.get(url), 400);
    });

    it("refuses another browser's answer, which stays good for its own (threat-model#callback-used-twice)", async () => {
      const browser = app.browser();
      const thief = app.browser();
      await leave(thief);
      const url = upstream.authorize((await leave(browser)).href, upstream.subject());
      await expectRefused(() => thief.get(url), 400);
      expect((await browser.get(url)).status).toBe(303);
    });

    it("refuses an answer that came to another provider's callback (RFC 9700 §4.4)", async () => {
      const second = await upstream.register(app, { client_id: 'exeunt-2', enabled: true });
      const browser = app.browser();
      const url = upstream.authorize((await leave(browser)).href, upstream.subject());
      await expectRefused(() => browser.get(url.replace(name, second)), 400);
      await app.json('DELETE', `/admin/v1/upstreams/${second}`, { token: await app.adminToken() });
    });

    it.each([
      ['an unknown state', (url: URL) => url.searchParams.set('state', 'x'.repeat(43))],
      ['no state', (url: URL) => url.searchParams.delete('state')],
      ['the issuer of somebody else', (url: URL) => url.searchParams.set('iss', 'https://evil.example.org')],
      ['no issuer, though the provider says it sends one', (url: URL) => url.searchParams.delete('iss')],
      ['a code of no one', (url: URL) => url.searchParams.set('code', 'nothing')],
      ['no code', (url: URL) => url.searchParams.delete('code')],
    ])('refuses %s', async (_what, change) => {
      const browser = app.browser();
      const url = new URL(upstream.authorize((await leave(browser)).href, upstream.subject()));
      change(url);
      await expectRefused(() => browser.get(url.href), 400);
      expect(browser.cookie('exeunt_session')).toBeUndefined();
    });

    it.each([
      ['another nonce', { nonce: 'another' }],
      ['another audience', { aud: 'somebody-else' }],
      ['another issuer', { iss: 'https://evil.example.org' }],
      ['an expiry that has passed', { exp: 1 }],
      ['an at_hash of another token', { at_hash: 'x'.repeat(22) }],
    ])('refuses an ID token with %s', async (_what, claims) => {
      upstream.idTokenClaims = claims;
      const browser = app.browser();
      const url = upstream.authorize((await leave(browser)).href, upstream.subject());
      const page = await expectRefused(() => browser.get(url), 400);
      expect(page.body).toContain('Corporate SSO did not sign you in');
      expect(page.has('login-submit')).toBe(true);
      expect(browser.cookie('exeunt_session')).toBeUndefined();
    });

    it('refuses a token type other than Bearer', async () => {
      upstream.tokenType = 'mac';
      const browser = app.browser();
      const url = upstream.authorize((await leave(browser)).href, upstream.subject());
      await expectRefused(() => browser.get(url), 400);
    });

    it('shows the sign-in page again when the person said no there', async () => {
      const browser = app.browser();
      const left = await leave(browser);
      const url = `${app.issuer}/upstreams/${name}/callback?error=access_denied&iss=${encodeURIComponent(upstream.issuer)}&state=${left.searchParams.get('state')}`;
      const page = await expectRefused(() => browser.get(url), 400);
      expect(page.has('login-submit')).toBe(true);
    });
  });

  describe('when the provider is down', () => {
    it('starts, offers it, and says so on the page when it is wanted; other ways to sign in go on', async () => {
      const dead = await StubUpstream.start(app.clock);
      await dead.register(app, { name: 'a-dead-one', display_name: 'Dead SSO' });
      await dead.stop();
      const browser = app.browser();
      const page = await signInPage(browser);
      expect(page.body).toContain('Dead SSO');
      const href = /href="([^"]+a-dead-one)"/.exec(page.body)?.[1] ?? '';
      const answer = await browser.get(href);
      expect(answer.status).toBe(503);
      expect(answer.body).toContain('Dead SSO cannot be reached just now');
      const { login } = await app.createAccount();
      const done = await browser.submit(answer, 'login-submit', { login, password: 'correct horse battery staple' });
      expect(done.status).toBe(303);
      await app.json('DELETE', '/admin/v1/upstreams/a-dead-one', { token: await app.adminToken() });
    });

    it('changes nothing when its token endpoint fails', async () => {
      const browser = app.browser();
      const url = upstream.authorize((await leave(browser)).href, upstream.subject());
      upstream.down.add('/token');
      const before = (await accounts()).length;
      const page = await browser.get(url);
      expect([400, 503]).toContain(page.status);
      expect(await accounts()).toHaveLength(before);
    });
  });

  it('is not offered to clients that may not use it, nor when it is disabled', async () => {
    const token = await app.adminToken();
    const patch = (body: object) => app.json('PATCH', `/admin/v1/upstreams/${name}`, { token, body });
    await patch({ clients: ['somebody-else'] });
    expect((await signInPage(app.browser())).body).not.toContain('upstream-0');
    await patch({ clients: null, enabled: false });
    expect((await signInPage(app.browser())).body).not.toContain('upstream-0');
    await patch({ enabled: true });
    expect((await signInPage(app.browser())).body).toContain('upstream-0');
  });

  it('signs nobody in for a client that was disabled while they were away', async () => {
    const other = await app.createClient();
    const browser = app.browser();
    const left = await leaveFor(app, other, name, browser);
    const back = upstream.authorize(left.location ?? '', upstream.subject());
    await app.json('POST', `/admin/v1/clients/${other.clientId}/disable`, { token: await app.adminToken() });
    const before = [(await accounts()).length, (await app.rowCounts()).sessions];
    const refused = await browser.get(back);
    expect(refused.status).toBe(400);
    expect(browser.cookie('exeunt_session')).toBeUndefined();
    expect([(await accounts()).length, (await app.rowCounts()).sessions]).toEqual(before);
  });

  it('gives no account to strangers where the operator wants accounts to be linked first', async () => {
    const token = await app.adminToken();
    await app.json('PATCH', `/admin/v1/upstreams/${name}`, { token, body: { creates_accounts: false } });
    const before = (await accounts()).length;
    const browser = app.browser();
    const page = await upstream.signIn(browser, await signInPage(browser), upstream.subject());
    expect(page.status).toBe(403);
    expect(page.body).toContain('This account cannot be used here');
    expect(await accounts()).toHaveLength(before);
    await app.json('PATCH', `/admin/v1/upstreams/${name}`, { token, body: { creates_accounts: true } });
  });

  it('does not let a disabled account in by the side door', async () => {
    const subject = upstream.subject();
    await signIn(app.browser(), subject);
    const account = (await accounts()).at(-1);
    await app.json('POST', `/admin/v1/accounts/${account?.id}/disable`, { token: await app.adminToken() });
    const browser = app.browser();
    const page = await upstream.signIn(browser, await signInPage(browser), subject);
    expect(page.status).toBe(403);
    expect(browser.cookie('exeunt_session')).toBeUndefined();
  });

  it('ends the session of whoever sat there before when another person comes back (threat-model#reused-session-id)', async () => {
    const browser = app.browser();
    await signIn(browser, upstream.subject());
    const first = browser.cookie('exeunt_session');
    const page = await signInPage(browser, { prompt: 'login' });
    await browser.follow(await upstream.signIn(browser, page, upstream.subject()));
    expect(browser.cookie('exeunt_session')).not.toBe(first);
    const rows = await app.db.query<{ cause: string }>(
      `SELECT cause FROM session_terminations ORDER BY id DESC LIMIT 1`,
    );
    expect(rows[0]?.cause).toBe('account_switched');
  });

  it('proves itself by its own key where it is registered so (private_key_jwt)', async () => {
    const other = await StubUpstream.start(app.clock);
    const id = await other.register(app, {
      name: 'by-assertion',
      client_secret: undefined,
      token_endpoint_auth_method: 'private_key_jwt',
    });
    const browser = app.browser();
    const page = await signInPage(browser);
    const href = new RegExp(`href="([^"]+${id})"`).exec(page.body)?.[1] ?? '';
    const left = await browser.get(href);
    await browser.get(other.authorize(left.location ?? '', other.subject()));
    const [form] = other.tokenRequests;
    const [header = '', claims = ''] = (form?.get('client_assertion') ?? '').split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({
      alg: 'RS256',
      typ: 'client-authentication+jwt',
    });
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      iss: 'exeunt',
      sub: 'exeunt',
      aud: other.issuer,
    });
    await app.json('DELETE', `/admin/v1/upstreams/${id}`, { token: await app.adminToken() });
    await other.stop();
  });

  it('writes no token, code or secret to the log', async () => {
    const log = app.logger.lines.join('\n');
    expect(log).not.toContain(upstream.clientSecret);
    expect(log).not.toContain('eyJ');
  });
});
