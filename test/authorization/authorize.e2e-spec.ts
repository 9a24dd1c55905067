import { decodeJwt } from 'jose';
import { pkce, TestApp, type TestAccount, type TestClient } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';

type Parameters = Record<string, string | undefined>;
const ODD_STATE = `${'aZ09-._~'.repeat(14)}&=%#"<> +;`;

describe('/authorize (OpenID Connect Core 1.0 §3.1.2)', () => {
  let app: TestApp;
  let client: TestClient;
  let account: TestAccount;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient();
    account = await app.createAccount();
  });
  afterAll(() => app.stop());

  const ask = (browser: Browser, parameters: Parameters = {}, of: TestClient = client): Promise<Page> =>
    browser.get(app.authorizeUrl(of, parameters));
  const signedIn = async (): Promise<Browser> => {
    const browser = app.browser();
    await app.codeFor(browser, client, account.login);
    return browser;
  };
  const claimsOf = async (browser: Browser, parameters: Parameters = {}) =>
    decodeJwt((await app.signInTo(browser, client, account.login, parameters)).id_token);
  const isSignInPage = async (browser: Browser, page: Page): Promise<boolean> =>
    (await browser.follow(page)).has('login-submit');

  describe('what never leads away from here', () => {
    it.each<[string, Parameters]>([
      ['an unknown client', { client_id: 'nobody' }],
      ['no client', { client_id: undefined }],
      ['an unregistered redirect URI', { redirect_uri: 'https://evil.example.com/cb' }],
      ['a registered one with a query added', { redirect_uri: 'http://127.0.0.1:9/callback?x=1' }],
      ['another letter case (threat-model#redirect-in-another-case)', { redirect_uri: 'http://127.0.0.1:9/CALLBACK' }],
      ['a slash added', { redirect_uri: 'http://127.0.0.1:9/callback/' }],
      ['a response mode that is not offered', { response_mode: 'fragment' }],
    ])('%s', async (_what, parameters) => {
      const browser = await signedIn();
      const before = await app.rowCounts();
      const page = await ask(browser, parameters);
      expect(page.status).toBe(400);
      expect(page.location).toBeUndefined();
      expect(page.headers.get('content-type')).toContain('text/html');
      expect(await app.rowCounts()).toEqual(before);
    });

    it('a client or redirect URI sent twice', async () => {
      const url = app.authorizeUrl(client);
      for (const extra of [
        `&client_id=${client.clientId}`,
        `&redirect_uri=${encodeURIComponent(client.redirectUri)}`,
      ]) {
        const before = await app.rowCounts();
        const page = await app.browser().get(url + extra);
        expect([page.status, page.location]).toEqual([400, undefined]);
        expect(await app.rowCounts()).toEqual(before);
      }
    });
  });

  describe('what the client is told by redirect, with its state and iss (RFC 9207 §2)', () => {
    it.each<[string, Parameters, string]>([
      ['no response type', { response_type: undefined }, 'invalid_request'],
      ['a response type that is not offered', { response_type: 'id_token' }, 'unsupported_response_type'],
      ['prompt=none with another', { prompt: 'none login' }, 'invalid_request'],
      ['nobody is signed in and prompt=none', { prompt: 'none' }, 'login_required'],
      ['a plain challenge', { code_challenge: 'a'.repeat(43), code_challenge_method: 'plain' }, 'invalid_request'],
      ['a challenge without method, which is plain', { code_challenge: 'a'.repeat(43) }, 'invalid_request'],
      ['a method without challenge', { code_challenge_method: 'S256' }, 'invalid_request'],
      ['a max_age that is no number', { max_age: '-1' }, 'invalid_request'],
      ['claims that are no JSON', { claims: '{' }, 'invalid_request'],
      ['a hint that is not ours', { id_token_hint: 'a.b.c' }, 'invalid_request'],
      ['a request object', { request: 'a.b.' }, 'request_not_supported'],
      ['a request URI', { request_uri: 'https://evil.example.com/r' }, 'request_uri_not_supported'],
      [
        'an essential acr that cannot be given',
        { claims: '{"id_token":{"acr":{"essential":true,"values":["x"]}}}' },
        'unmet_authentication_requirements',
      ],
      ['a NUL', { nonce: 'a\u0000' }, 'invalid_request'],
    ])('%s', async (_what, parameters, error) => {
      const page = await ask(app.browser(), { ...parameters, state: ODD_STATE });
      expect(page.status).toBe(303);
      expect(page.location?.startsWith(`${client.redirectUri}?`)).toBe(true);
      expect(Object.fromEntries(page.query)).toMatchObject({ error, state: ODD_STATE, iss: app.issuer });
      expect(page.headers.get('access-control-allow-origin')).toBeNull();
    });

    it('a parameter sent twice (RFC 6749 §3.1)', async () => {
      const page = await app.browser().get(`${app.authorizeUrl(client)}&scope=openid`);
      expect(page.query.get('error')).toBe('invalid_request');
    });

    it('a public client without PKCE', async () => {
      const open = await app.createClient({ token_endpoint_auth_method: 'none' });
      expect((await ask(app.browser(), {}, open)).query.get('error')).toBe('invalid_request');
      const { challenge } = pkce();
      const page = await ask(app.browser(), { code_challenge: challenge, code_challenge_method: 'S256' }, open);
      expect(page.location).toContain('/interaction/');
    });
  });

  it('gives code, state, iss and session_state and nothing else; a silent second request needs no page', async () => {
    const browser = await signedIn();
    const page = await ask(browser, {
      state: ODD_STATE,
      prompt: 'none',
      extra: 'foobar',
      display: 'popup',
      ui_locales: 'se',
      acr_values: '1 2',
    });
    expect([...page.query.keys()].toSorted()).toEqual(['code', 'iss', 'session_state', 'state']);
    expect(page.query.get('state')).toBe(ODD_STATE);
    // 24 of them are random; the others name the key, the account and the grant, masked.
    expect(Buffer.from(page.query.get('code') ?? '', 'base64url')).toHaveLength(60);
  });

  it('keeps the query of a registered redirect URI', async () => {
    const withQuery = await app.createClient({ redirect_uris: ['http://127.0.0.1:9/cb?dummy1=lorem&dummy2=ipsum'] });
    const page = await ask(await signedIn(), {}, withQuery);
    expect(page.location?.startsWith('http://127.0.0.1:9/cb?dummy1=lorem&dummy2=ipsum&code=')).toBe(true);
  });

  it.each([
    ['a native client', { application_type: 'native' }, 'http://127.0.0.1/cb', 'http://127.0.0.1:51234/cb'],
    ['a native client', { application_type: 'native' }, 'http://localhost:9/cb', 'http://localhost:51234/cb'],
    ['a native client', { application_type: 'native' }, 'http://[::1]/cb', 'http://[::1]:51234/cb'],
  ])('lets %s choose the port of its loopback URI (RFC 8252 §7.3)', async (_who, kind, registered, requested) => {
    const native = await app.createClient({ ...kind, redirect_uris: [registered] });
    const page = await ask(await signedIn(), { redirect_uri: requested }, native);
    expect(page.location).toContain(`${requested}?code=`);
  });

  it('lets a client without a secret choose the port too, whatever type it registered as', async () => {
    const cli = await app.createClient({
      redirect_uris: ['https://cli.example.com/cb', 'http://localhost/cb'],
      token_endpoint_auth_method: 'none',
    });
    const challenge = { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' };
    const browser = await signedIn();
    // It proves nothing, so the person is asked each time.
    const question = await browser.follow(
      await ask(browser, { redirect_uri: 'http://localhost:51234/cb', ...challenge }, cli),
    );
    const page = await browser.submit(question, 'consent-submit');
    expect(page.location).toContain('http://localhost:51234/cb?code=');
    for (const other of ['http://127.0.0.1:51234/cb', 'https://cli.example.com:51234/cb', 'http://localhost:51234/x'])
      expect((await ask(browser, { redirect_uri: other, ...challenge }, cli)).status).toBe(400);
  });

  it('lets no application on a server choose the port', async () => {
    expect((await ask(await signedIn(), { redirect_uri: 'http://127.0.0.1:51234/callback' })).status).toBe(400);
  });

  it('takes the one registered redirect URI when none is sent', async () => {
    expect((await ask(await signedIn(), { redirect_uri: undefined })).location).toContain(
      `${client.redirectUri}?code=`,
    );
    const two = await app.createClient({ redirect_uris: ['http://127.0.0.1:9/a', 'http://127.0.0.1:9/b'] });
    expect((await ask(await signedIn(), { redirect_uri: undefined }, two)).status).toBe(400);
  });

  it('takes the same by POST, and bounces one from another site to GET, which brings the cookie', async () => {
    const browser = await signedIn();
    const fields = Object.fromEntries(new URL(app.issuer + app.authorizeUrl(client)).searchParams);
    expect((await browser.post('/authorize', fields)).location).toContain(`${client.redirectUri}?code=`);
    const bounced = await browser.post('/authorize', fields, { 'sec-fetch-site': 'cross-site' });
    expect(bounced.status).toBe(303);
    expect(new URL(bounced.location ?? '').pathname).toBe('/authorize');
    expect((await browser.get(bounced.location ?? '')).location).toContain(`${client.redirectUri}?code=`);
  });

  it('posts the answer with response_mode=form_post, and the policy lets that form go there alone', async () => {
    const page = await ask(await signedIn(), { response_mode: 'form_post', state: '"><script>' });
    expect(page.status).toBe(200);
    expect(page.body).not.toContain('"><script>');
    expect(page.headers.get('content-security-policy')).not.toContain('form-action');
    const error = await ask(app.browser(), { response_mode: 'form_post', prompt: 'none' });
    expect(error.body).toContain('login_required');
  });

  describe('who must prove again who they are', () => {
    it('prompt=login: the same person, a later auth_time, the same sid, a new cookie (threat-model#reused-session-id)', async () => {
      const browser = app.browser();
      const before = await claimsOf(browser);
      const cookie = browser.cookie('exeunt_session');
      app.clock.advance(5000);
      expect(await isSignInPage(browser, await ask(browser, { prompt: 'login' }))).toBe(true);
      const after = await claimsOf(browser, { prompt: 'login' });
      expect(after).toMatchObject({ sub: before.sub, sid: before.sid });
      expect(Number(after.auth_time)).toBe(Number(before.auth_time) + 5);
      const thief = app.browser();
      thief.setCookie('exeunt_session', cookie);
      expect((await ask(thief, { prompt: 'none' })).query.get('error')).toBe('login_required');
    });

    it('max_age: silent while it has not passed, then asked; max_age=0 always', async () => {
      const browser = app.browser();
      const first = await claimsOf(browser);
      app.clock.advance(10_000);
      expect((await claimsOf(browser, { max_age: '10' })).auth_time).toBe(first.auth_time);
      app.clock.advance(1000);
      expect(await isSignInPage(browser, await ask(browser, { max_age: '10' }))).toBe(true);
      expect((await ask(browser, { max_age: '10', prompt: 'none' })).query.get('error')).toBe('login_required');
      expect(await isSignInPage(browser, await ask(browser, { max_age: '0' }))).toBe(true);
      expect((await claimsOf(browser, { max_age: '0' })).auth_time).toBe(Number(first.auth_time) + 11);
    });

    it('prompt=select_account offers the sign-in page', async () => {
      const browser = await signedIn();
      expect(await isSignInPage(browser, await ask(browser, { prompt: 'select_account' }))).toBe(true);
    });

    it('id_token_hint: silent for the person it names, login_required for another', async () => {
      const browser = app.browser();
      const { id_token: hint } = await app.signInTo(browser, client, account.login);
      expect((await ask(browser, { prompt: 'none', id_token_hint: hint })).query.get('code')).toBeTruthy();
      const other = await app.createAccount();
      const another = app.browser();
      await app.codeFor(another, client, other.login);
      expect((await ask(another, { prompt: 'none', id_token_hint: hint })).query.get('error')).toBe('login_required');
      const page = await another.submit(
        await another.follow(await ask(another, { id_token_hint: hint })),
        'login-submit',
        {
          login: other.login,
          password: 'correct horse battery staple',
        },
      );
      expect(page.query.get('error')).toBe('login_required');
    });

    it('login_hint is filled in and escaped', async () => {
      const browser = app.browser();
      const page = await browser.follow(await ask(browser, { login_hint: '"><img src=x>' }));
      expect(page.body).not.toContain('"><img');
      expect(page.body).toContain('&quot;&gt;&lt;img');
    });
  });

  it('grants what the client is registered for and ignores other scopes; offline_access needs refresh tokens', async () => {
    const browser = await signedIn();
    expect(
      (await app.signInTo(browser, client, account.login, { scope: 'openid email unknown exeunt:admin' })).scope,
    ).toBe('openid email');
    const noRefresh = await app.createClient({ grant_types: ['authorization_code'] });
    const tokens = await app.signInTo(browser, noRefresh, account.login, { scope: 'openid offline_access' });
    expect(tokens.scope).toBe('openid');
    expect(tokens).not.toHaveProperty('refresh_token');
  });
});
