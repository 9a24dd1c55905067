import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import * as oidc from 'openid-client';
import { ADMIN, pkce, TestApp, type Answer, type TestAccount, type TestClient } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';
import { RealClock } from '../support/real-clock.js';
import { Retention } from '../../src/platform/database/retention.js';
import { redeem } from '../tokens/token-requests.js';

const CALLBACK = 'http://127.0.0.1:9/callback';
const PREFIX = 'urn:ietf:params:oauth:request_uri:';

describe('pushed authorization requests (RFC 9126)', () => {
  let app: TestApp;
  let client: TestClient;
  let other: TestClient;
  let mia: TestAccount;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient();
    other = await app.createClient();
    mia = await app.createAccount();
  });
  afterAll(() => app.stop());

  const parametersOf = (of: TestClient, more: Record<string, string> = {}): Record<string, string> => ({
    response_type: 'code',
    redirect_uri: of.redirectUri,
    scope: 'openid email',
    state: 'the pushed state',
    nonce: 'the pushed nonce',
    ...more,
  });

  const push = (fields: Record<string, string> = {}, of = client): Promise<Answer> =>
    app.form('/par', parametersOf(of, fields), of);

  async function pushed(fields: Record<string, string> = {}, of = client): Promise<string> {
    const { status, body } = await push(fields, of);
    expect(status).toBe(201);
    return String(body.request_uri);
  }

  const open = (requestUri: string, browser: Browser = app.browser(), of = client): Promise<Page> =>
    browser.get(`/authorize?${new URLSearchParams({ client_id: of.clientId, request_uri: requestUri })}`);

  async function asks(requestUri: string): Promise<boolean> {
    const browser = app.browser();
    return (await browser.follow(await open(requestUri, browser))).has('login-submit');
  }

  async function codeBy(requestUri: string, browser: Browser = app.browser()): Promise<Page> {
    const page = await open(requestUri, browser);
    return browser.follow(await app.signIn(browser, page, mia.login));
  }

  it('are kept, and answered where and as they ask', async () => {
    const answer = await push();
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-cache, no-store');
    expect(answer.body).toEqual({
      request_uri: expect.stringMatching(new RegExp(`^${PREFIX}[\\w-]{43}$`)),
      expires_in: 300,
    });
    const done = await codeBy(String(answer.body.request_uri));
    expect(done.location?.startsWith(`${CALLBACK}?`)).toBe(true);
    expect(Object.fromEntries(done.query)).toMatchObject({ state: 'the pushed state', iss: app.issuer });
    const { status, body } = await redeem(app, client, done.query.get('code') ?? '');
    expect([status, body.scope]).toEqual([200, 'openid email']);
  });

  it('count alone: what stands beside the request_uri is not looked at', async () => {
    const browser = app.browser();
    const beside = {
      state: 'beside',
      nonce: 'beside',
      scope: 'openid',
      redirect_uri: 'https://evil.example/cb',
      request: 'x',
    };
    const query = new URLSearchParams({ client_id: client.clientId, request_uri: await pushed(), ...beside });
    const done = await browser.follow(await app.signIn(browser, await browser.get(`/authorize?${query}`), mia.login));
    expect(done.location?.startsWith(`${CALLBACK}?`)).toBe(true);
    expect(done.query.get('state')).toBe('the pushed state');
    expect((await redeem(app, client, done.query.get('code') ?? '')).body.scope).toBe('openid email');
  });

  it('are good until they have their response: a page may be loaded again, in another browser too', async () => {
    const requestUri = await pushed();
    for (let i = 0; i < 3; i += 1) expect(await asks(requestUri)).toBe(true);
    expect((await codeBy(requestUri)).query.get('code')).not.toBeNull();
  });

  describe('are answered once', () => {
    const USED = 'used before';

    it('by a code, whichever browser comes again', async () => {
      const requestUri = await pushed();
      const browser = app.browser();
      expect((await codeBy(requestUri, browser)).query.get('code')).not.toBeNull();
      const before = await app.rowCounts();
      for (const again of [browser, app.browser()]) {
        const page = await open(requestUri, again);
        expect([page.status, page.location]).toEqual([400, undefined]);
        expect(page.body).toContain(USED);
      }
      expect(await app.rowCounts()).toEqual(before);
    });

    it.each([1, 2, 3])('when two browsers that both opened it sign in, at once (%i)', async () => {
      const requestUri = await pushed();
      const browsers = [app.browser(), app.browser()];
      const pages = await Promise.all(browsers.map((browser) => open(requestUri, browser)));
      const grants = async (): Promise<number> => (await app.rowCounts()).grants ?? 0;
      const before = await grants();
      const done = await Promise.all(
        browsers.map(async (browser, i) => browser.follow(await app.signIn(browser, pages[i] as Page, mia.login))),
      );
      expect(done.filter((page) => page.location?.includes('code=') === true)).toHaveLength(1);
      expect(await grants()).toBe(before + 1);
    });

    it('when two browsers that are signed in open it at once', async () => {
      const browsers = [app.browser(), app.browser()];
      for (const browser of browsers) await app.codeFor(browser, client, mia.login);
      const requestUri = await pushed();
      const pages = await Promise.all(browsers.map((browser) => open(requestUri, browser)));
      expect(pages.filter((page) => page.location?.includes('code=') === true)).toHaveLength(1);
      expect(pages.filter((page) => page.status === 400)).toHaveLength(1);
    });

    it('and who comes back to its page is led to the application, in no circle', async () => {
      for (const of of [client, await app.createClient({ client_uri: 'https://ledger.example.com' })]) {
        const requestUri = await pushed({}, of);
        const browser = app.browser();
        const page = await browser.follow(await open(requestUri, browser, of));
        const path = page.formWith('login-submit').action;
        await app.signIn(browser, await open(requestUri, browser, of), mia.login);
        const back = await browser.get(path.replace(/\/sign-in.*$/, ''));
        expect(back.body).not.toContain('/again');
        expect(back.body.includes('https://ledger.example.com')).toBe(of !== client);
        const again = await browser.get(`${path.replace(/\/sign-in.*$/, '')}/again`);
        expect([again.status, again.location]).toEqual([400, undefined]);
        expect(again.body).not.toContain('/again');
      }
    });

    it('by a consent', async () => {
      const asking = await app.createClient({ skip_consent: false });
      const requestUri = await pushed({}, asking);
      const browser = app.browser();
      const consent = await browser.follow(
        await app.signIn(browser, await open(requestUri, browser, asking), mia.login),
      );
      const done = await browser.follow(await browser.submit(consent, 'consent-submit'));
      expect(done.query.get('code')).not.toBeNull();
      expect((await open(requestUri, app.browser(), asking)).body).toContain(USED);
    });

    it.each<[string, (requestUri: string, of: TestClient) => Promise<Page>, string]>([
      ['of prompt=none', (requestUri, of) => open(requestUri, app.browser(), of), 'login_required'],
      [
        'of a person who would rather not',
        async (requestUri, of) => {
          const browser = app.browser();
          return browser.submit(await browser.follow(await open(requestUri, browser, of)), 'login-cancel');
        },
        'access_denied',
      ],
    ])('by the error %s', async (what, answer, error) => {
      const requestUri = await pushed(what === 'of prompt=none' ? { prompt: 'none' } : {});
      expect((await answer(requestUri, client)).query.get('error')).toBe(error);
      expect((await open(requestUri)).body).toContain(USED);
    });
  });

  it('are the client’s alone, known, and of the last five minutes', async () => {
    const requestUri = await pushed();
    const before = await app.rowCounts();
    for (const [uri, of] of [
      [requestUri, other],
      [`${PREFIX}${'A'.repeat(43)}`, client],
      [PREFIX, client],
    ] as const) {
      const page = await open(uri, app.browser(), of);
      expect([page.status, page.location]).toEqual([400, undefined]);
      expect(page.body).toContain('has expired');
    }
    app.clock.advance(299_000);
    expect(await asks(requestUri)).toBe(true);
    app.clock.advance(2000);
    expect((await open(requestUri)).status).toBe(400);
    expect(await app.rowCounts()).toEqual(before);
  });

  it('go on when they expire while a person signs in', async () => {
    const browser = app.browser();
    const page = await open(await pushed(), browser);
    app.clock.advance(400_000);
    expect((await browser.follow(await app.signIn(browser, page, mia.login))).query.get('code')).not.toBeNull();
  });

  it('request_uri of others is refused as ever', async () => {
    const page = await open('https://rp.example/request.jwt');
    expect(page.query.get('error')).toBe('request_uri_not_supported');
    const beside = new URLSearchParams({
      ...parametersOf(client),
      client_id: client.clientId,
      request_uri: 'https://rp.example/r',
    });
    expect((await app.browser().get(`/authorize?${beside}`)).query.get('error')).toBe('request_uri_not_supported');
  });

  it.each<[string, Record<string, string>, string]>([
    ['another request_uri', { request_uri: `${PREFIX}x` }, 'invalid_request'],
    ['an address that is not registered', { redirect_uri: 'https://evil.example/cb' }, 'invalid_request'],
    ['another response type', { response_type: 'token' }, 'unsupported_response_type'],
    ['another response mode', { response_mode: 'fragment' }, 'invalid_request'],
    ['a plain challenge', { code_challenge: 'a'.repeat(43), code_challenge_method: 'plain' }, 'invalid_request'],
    ['prompts that contradict', { prompt: 'none login' }, 'invalid_request'],
    ['an id_token_hint of another', { id_token_hint: 'a.b.c' }, 'invalid_request'],
    ['a request object without keys', { request: 'a.b.c' }, 'request_not_supported'],
    ['a parameter that is too long', { state: 'x'.repeat(8001) }, 'invalid_request'],
  ])('with %s are refused in JSON, and nothing is kept', async (_what, fields, error) => {
    const before = await app.rowCounts();
    const { status, body, headers } = await push(fields);
    expect([status, body.error]).toEqual([400, error]);
    expect(headers.get('content-type')).toContain('application/json');
    expect(await app.rowCounts()).toEqual(before);
  });

  it('with a parameter sent twice are refused, one of the credentials too', async () => {
    const before = await app.rowCounts();
    for (const [name, value] of [
      ['state', 'again'],
      ['client_id', client.clientId],
    ] as const) {
      const body = new URLSearchParams({
        ...parametersOf(client),
        client_id: client.clientId,
        client_secret: client.clientSecret,
      });
      body.append(name, value);
      const response = await fetch(`${app.issuer}/par`, { method: 'POST', body });
      expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([400, 'invalid_request']);
    }
    expect(await app.rowCounts()).toEqual(before);
  });

  it('are taken from who proves to be the client', async () => {
    const kept = async (): Promise<unknown> => (await app.rowCounts()).pushed_requests;
    const before = await kept();
    const wrong = { clientId: client.clientId, clientSecret: 'wrong' };
    expect((await app.form('/par', parametersOf(client), wrong)).status).toBe(401);
    expect((await app.form('/par', { ...parametersOf(client), client_id: client.clientId })).status).toBe(401);
    expect((await app.form('/par', parametersOf(client))).status).toBe(401);
    expect((await app.form('/par', { ...parametersOf(client), client_id: other.clientId }, client)).status).toBe(400);
    expect(await kept()).toBe(before);
  });

  it('of a machine, which signs nobody in, are refused', async () => {
    const { status, body } = await app.form('/par', parametersOf(client), ADMIN);
    expect(status).toBe(400);
    expect(body.error).toBe('invalid_request');
  });

  it('are taken from public clients by their id, with PKCE, and counted by address', async () => {
    const one = await TestApp.start({ authorizePerMinute: 2 });
    const page = await one.createClient({ token_endpoint_auth_method: 'none' });
    const { challenge, verifier } = pkce();
    const fields = {
      ...parametersOf(page),
      client_id: page.clientId,
      code_challenge: challenge,
      code_challenge_method: 'S256',
    };
    const first = await one.form('/par', fields);
    expect(first.status).toBe(201);
    expect((await one.form('/par', { ...fields, code_challenge: '' })).status).toBe(400);
    expect((await one.form('/par', fields)).status).toBe(201);
    const before = await one.rowCounts();
    const limited = await one.form('/par', fields);
    expect([limited.status, Number(limited.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await one.rowCounts()).pushed_requests).toBe(before.pushed_requests);
    const account = await one.createAccount();
    const browser = one.browser();
    const query = new URLSearchParams({ client_id: page.clientId, request_uri: String(first.body.request_uri) });
    const done = await browser.follow(
      await one.signIn(browser, await browser.get(`/authorize?${query}`), account.login),
    );
    const code = done.query.get('code') ?? '';
    const token = { grant_type: 'authorization_code', code, redirect_uri: page.redirectUri, client_id: page.clientId };
    expect((await one.form('/token', { ...token, code_verifier: verifier })).status).toBe(200);
    await one.stop();
  });

  it('keep no secret of the client, and no log has their parameters', async () => {
    const body = {
      ...parametersOf(client, { state: 'a state to look for' }),
      client_id: client.clientId,
      client_secret: client.clientSecret,
    };
    expect((await app.form('/par', body)).status).toBe(201);
    const rows = await app.db.query<{ text: string }>('SELECT p::text AS text FROM pushed_requests p');
    expect(rows.some(({ text }) => text.includes('a state to look for'))).toBe(true);
    expect(rows.filter(({ text }) => text.includes(client.clientSecret) || text.includes('client_'))).toEqual([]);
    expect(app.logger.lines.filter((line) => line.includes('a state to look for'))).toEqual([]);
  });

  it('answer other methods with 405, and what is too large with 413', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const response = await fetch(`${app.issuer}/par`, { method });
      expect([response.status, response.headers.get('allow')]).toEqual([405, expect.stringContaining('POST')]);
    }
    expect((await push({ login_hint: 'x'.repeat(300_000) })).status).toBe(413);
  });

  describe('what the client had when it pushed is asked again', () => {
    const change = async (of: TestClient, metadata: Record<string, unknown>): Promise<void> => {
      const { status } = await app.json('PATCH', `/admin/v1/clients/${of.clientId}`, {
        token: await app.adminToken(),
        body: metadata,
      });
      expect(status).toBe(200);
    };

    it('a URI removed after the push is not redirected to', async () => {
      const of = await app.createClient({ redirect_uris: [CALLBACK, `${CALLBACK}/2`] });
      const requestUri = await pushed({ redirect_uri: `${CALLBACK}/2` }, of);
      await change(of, { redirect_uris: [CALLBACK] });
      const page = await open(requestUri, app.browser(), of);
      expect([page.status, page.location]).toEqual([400, undefined]);
    });

    it('a scope that was taken is not granted', async () => {
      const of = await app.createClient({ scope: 'openid email' });
      const requestUri = await pushed({}, of);
      await change(of, { scope: 'openid' });
      const browser = app.browser();
      const done = await browser.follow(await app.signIn(browser, await open(requestUri, browser, of), mia.login));
      expect((await redeem(app, of, done.query.get('code') ?? '')).body.scope).toBe('openid');
    });

    it('a client that was switched off gets nothing, and a deleted one leaves nothing', async () => {
      const of = await app.createClient();
      const requestUri = await pushed({}, of);
      const token = await app.adminToken();
      await app.json('POST', `/admin/v1/clients/${of.clientId}/disable`, { token });
      expect((await open(requestUri, app.browser(), of)).status).toBe(400);
      expect((await push({}, of)).status).toBe(401);
    });
  });

  it('of a client that must push leave no other way in', async () => {
    const of = await app.createClient({ require_pushed_authorization_requests: true });
    const before = await app.rowCounts();
    const page = await app.browser().get(app.authorizeUrl(of));
    expect([page.query.get('error'), page.query.get('state')]).toEqual(['invalid_request', 'a-state']);
    expect(await app.rowCounts()).toEqual(before);
    const browser = app.browser();
    const done = await browser.follow(
      await app.signIn(browser, await open(await pushed({}, of), browser, of), mia.login),
    );
    expect(done.query.get('code')).not.toBeNull();
  });

  it('may be asked of all clients, which discovery says', async () => {
    const strict = await TestApp.start({ requirePushedRequests: true });
    const of = await strict.createClient();
    expect((await strict.browser().get(strict.authorizeUrl(of))).query.get('error')).toBe('invalid_request');
    const { body } = await strict.json('GET', '/.well-known/openid-configuration');
    expect(body).toMatchObject({
      require_pushed_authorization_requests: true,
      pushed_authorization_request_endpoint: `${strict.issuer}/par`,
    });
    await strict.stop();
    expect((await app.json('GET', '/.well-known/openid-configuration')).body).not.toHaveProperty(
      'require_pushed_authorization_requests',
    );
  });

  it('leave by retention when nobody can answer them any more', async () => {
    await pushed();
    app.clock.advance(2 * 86_400_000);
    await app.app.get(Retention).sweep();
    expect((await app.rowCounts()).pushed_requests).toBe(0);
  });

  describe('with a request object', () => {
    let key: CryptoKey;
    let signing: TestClient;

    beforeAll(async () => {
      const pair = await generateKeyPair('ES256', { extractable: true });
      key = pair.privateKey;
      signing = await app.createClient({
        jwks: { keys: [{ ...(await exportJWK(pair.publicKey)), kid: '1', alg: 'ES256' }] },
      });
    });

    const objectOf = (claims: Record<string, unknown>): Promise<string> =>
      new SignJWT({
        ...parametersOf(signing),
        iss: signing.clientId,
        aud: app.issuer,
        client_id: signing.clientId,
        exp: app.clock.seconds() + 30,
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid: '1' })
        .sign(key);

    it('say what it says, and nothing of what stands beside it', async () => {
      const request = await objectOf({ state: 'of the object', scope: 'openid' });
      const { status, body } = await app.form('/par', { request, state: 'beside', max_age: 'nonsense' }, signing);
      expect(status).toBe(201);
      // The object has expired by now; the request has not.
      app.clock.advance(200_000);
      const browser = app.browser();
      const page = await open(String(body.request_uri), browser, signing);
      const done = await browser.follow(await app.signIn(browser, page, mia.login));
      expect(done.query.get('state')).toBe('of the object');
    });

    it('that is forged are refused', async () => {
      const before = await app.rowCounts();
      const request = `${(await objectOf({})).slice(0, -8)}AAAAAAAA`;
      const { status, body } = await app.form('/par', { request }, signing);
      expect([status, body.error]).toEqual([400, 'invalid_request_object']);
      expect(await app.rowCounts()).toEqual(before);
    });
  });

  it('are driven by openid-client as it is', async () => {
    const real = await TestApp.start({}, { clock: new RealClock() });
    const [of, person] = [await real.createClient(), await real.createAccount()];
    const config = await oidc.discovery(new URL(real.issuer), of.clientId, of.clientSecret, undefined, {
      execute: [oidc.allowInsecureRequests],
    });
    const verifier = oidc.randomPKCECodeVerifier();
    const state = oidc.randomState();
    const url = await oidc.buildAuthorizationUrlWithPAR(config, {
      redirect_uri: of.redirectUri,
      scope: 'openid email',
      state,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    expect([...url.searchParams.keys()].toSorted()).toEqual(['client_id', 'request_uri']);
    const browser = real.browser();
    const page = await browser.get(`${url.pathname}${url.search}`);
    const done = await browser.follow(await real.signIn(browser, page, person.login));
    const tokens = await oidc.authorizationCodeGrant(config, new URL(done.location ?? ''), {
      pkceCodeVerifier: verifier,
      expectedState: state,
    });
    expect(tokens.claims()?.sub).toBe(person.id);
    await real.stop();
  });
});
