import { request as httpRequest } from 'node:http';
import { decodeJwt, decodeProtectedHeader, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { JwtSigner } from '../../../src/platform/keys/jwt-signer.js';
import { TestApp, type Tokens } from '../../support/app.js';
import { HOUR } from '../../support/clock.js';
import type { Browser } from '../../support/http.js';
import { terminationsOf } from '../../back-channel-logout/scene.js';
import {
  anApplication,
  promptNone,
  SIGNED_OUT_URI,
  type TestApplication,
} from '../../rp-initiated-logout/end-session.js';
import {
  csp,
  expectCspError,
  parametersOf,
  rowsBesidesLimits,
  V1,
  V2,
  type CspAnswer,
  type CspRequest,
} from './scene.js';

interface Scene {
  readonly app: TestApp;
  readonly client: TestApplication;
  readonly accountId: string;
  readonly browser: Browser;
  readonly tokens: Tokens;
}

async function aScene(app: TestApp): Promise<Scene> {
  const { id, login } = await app.createAccount();
  const client = await anApplication(app);
  const browser = app.browser();
  return { app, client, accountId: id, browser, tokens: await app.signInTo(browser, client, login) };
}

async function expectSignedIn({ app, browser, client }: Scene): Promise<void> {
  expect(await promptNone(app, browser, client)).toBe('code');
}

async function expectSignedOut({ app, browser, client, tokens }: Scene): Promise<void> {
  expect(await promptNone(app, browser, client)).toBe('login_required');
  expect(await app.isActive(client, tokens.access_token)).toBe(false);
}

/** It changed nothing, whatever it answered. */
async function changesNothing(scene: Scene, request: CspRequest): Promise<CspAnswer> {
  const before = await rowsBesidesLimits(scene.app);
  const answer = await csp(scene.app, request);
  expect(await rowsBesidesLimits(scene.app)).toEqual(before);
  expect(answer.headers.getSetCookie()).toEqual([]);
  await expectSignedIn(scene);
  return answer;
}

function expectUrl(answer: CspAnswer, url: string): void {
  expect(answer.json).toEqual({ url });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
}

let app: TestApp;
let endSession: string;

beforeAll(async () => {
  app = await TestApp.start();
  endSession = `${app.issuer}/session/end_session`;
});
afterAll(() => app.stop());

describe('who may ask (wire/vmware-csp#anonymous)', () => {
  it('anybody: `{}` is answered with the plain URL and changes nothing', async () => {
    expectUrl(await changesNothing(await aScene(app), {}), endSession);
  });

  it.each(['<value>', 'Basic %%%', 'Bearer a.b.c', 'CSP x', ''])('ignores Authorization: %s', async (authorization) => {
    expectUrl(await changesNothing(await aScene(app), { headers: { authorization } }), endSession);
  });

  it('takes no address from the request (threat-model#host-header)', async () => {
    const url = await new Promise<unknown>((resolve, reject) => {
      const headers = {
        host: 'evil.example.com',
        'x-forwarded-host': 'evil.example.com',
        'content-type': 'application/json',
      };
      const request = httpRequest(app.issuer + V1, { method: 'POST', headers }, (response) => {
        response.on('data', (chunk: Buffer) => resolve((JSON.parse(chunk.toString()) as { url: string }).url));
      });
      request.on('error', reject).end('{}');
    });
    expect(url).toBe(endSession);
  });
});

describe('what ends (wire/vmware-csp#what-ends)', () => {
  it('the session of the cookie, before the answer; the cookie goes', async () => {
    const scene = await aScene(app);
    const answer = await csp(app, { browser: scene.browser });
    expectUrl(answer, endSession);
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^exeunt_session=;.*Max-Age=0/),
      expect.stringMatching(/^exeunt_browser_state=[\w-]{43};/),
    ]);
    await expectSignedOut(scene);
    expect(await terminationsOf(app, scene.accountId)).toMatchObject([
      { cause: 'csp_logout', sessions: 1, initiator: { kind: 'user', accountId: scene.accountId } },
    ]);
  });

  it('with the ID token beside it, in the name of its client too', async () => {
    const scene = await aScene(app);
    const { browser, tokens, client, accountId } = scene;
    expectUrl(
      await csp(app, { browser, body: { idToken: tokens.id_token } }),
      `${endSession}?id_token_hint=${tokens.id_token}`,
    );
    await expectSignedOut(scene);
    expect(await terminationsOf(app, accountId)).toMatchObject([
      { initiator: { kind: 'user', accountId, clientId: client.clientId } },
    ]);
  });

  it('the session that an ID token names, without a cookie', async () => {
    const scene = await aScene(app);
    const { tokens, client, accountId } = scene;
    const answer = await csp(app, { body: { idToken: tokens.id_token } });
    expectUrl(answer, `${endSession}?id_token_hint=${tokens.id_token}`);
    expect(answer.headers.getSetCookie()).toEqual([]);
    await expectSignedOut(scene);
    expect(await terminationsOf(app, accountId)).toMatchObject([
      { cause: 'csp_logout', sessions: 1, initiator: { kind: 'client', clientId: client.clientId } },
    ]);
  });

  it('nothing, for an ID token that has expired: it names a client and is no logout switch (threat-model#leaked-hint)', async () => {
    const scene = await aScene(app);
    app.clock.advance(2 * HOUR);
    const { id_token: idToken } = scene.tokens;
    const query = { post_logout_redirect_uri: SIGNED_OUT_URI };
    const { url } = (await changesNothing(scene, { query, body: { idToken } })).json;
    expect(parametersOf(url)).toEqual([
      ['id_token_hint', idToken],
      ['post_logout_redirect_uri', SIGNED_OUT_URI],
    ]);
  });

  it('the session of the cookie, beside an ID token that has expired', async () => {
    const scene = await aScene(app);
    app.clock.advance(2 * HOUR);
    expect((await csp(app, { browser: scene.browser, body: { idToken: scene.tokens.id_token } })).status).toBe(200);
    expect(await promptNone(app, scene.browser, scene.client)).toBe('login_required');
  });

  it('nothing, for a cookie in a request that another site made (threat-model#forced-logout)', async () => {
    const scene = await aScene(app);
    const headers = { 'sec-fetch-site': 'cross-site' };
    expectUrl(await changesNothing(scene, { browser: scene.browser, headers }), endSession);
  });

  it.each(['same-origin', 'same-site', 'none'])('the session of the cookie, with Sec-Fetch-Site: %s', async (site) => {
    const scene = await aScene(app);
    await csp(app, { browser: scene.browser, headers: { 'sec-fetch-site': site } });
    await expectSignedOut(scene);
  });

  it('nothing, for a cookie of nobody', async () => {
    const browser = app.browser();
    browser.setCookie('exeunt_session', 'x'.repeat(43));
    expectUrl(await changesNothing(await aScene(app), { browser }), endSession);
  });

  describe('when CSP_LOGOUT_ENDS_SESSION is off', () => {
    let promising: TestApp;

    beforeAll(async () => {
      promising = await TestApp.start({ cspLogoutEndsSession: false });
    });
    afterAll(() => promising.stop());

    it('nothing: the URL is handed out, as the document promises', async () => {
      const scene = await aScene(promising);
      const body = { idToken: scene.tokens.id_token };
      expect((await changesNothing(scene, { browser: scene.browser, body })).status).toBe(200);
      expect((await changesNothing(scene, { body })).status).toBe(200);
    });

    it('and what is refused is refused', async () => {
      const [scene, other] = [await aScene(promising), await aScene(promising)];
      const answer = await changesNothing(scene, { browser: scene.browser, body: { idToken: other.tokens.id_token } });
      expectCspError(answer, 409, 'USER_MISMATCH');
    });
  });
});

describe('the ID token (wire/vmware-csp#who-is-meant)', () => {
  it.each<[string, (scene: Scene) => Promise<string> | string]>([
    ['no JWT', () => 'garbage'],
    [
      'an access token that has been revoked',
      async ({ tokens, client }) => {
        await app.form('/revoke', { token: tokens.access_token }, client);
        return tokens.access_token;
      },
    ],
    [
      'an access token that has expired',
      ({ tokens }) => {
        app.clock.advance(app.settings.accessTokenTtlSeconds * 1000 + 1000);
        return tokens.access_token;
      },
    ],
    [
      'an access token under our own key, of another issuer',
      (scene) => resigned(scene, 'at+jwt', { iss: 'https://x.example.com' }),
    ],
    ['a refresh token', ({ tokens }) => tokens.refresh_token],
    ['alg none (threat-model#unsigned-tokens)', ({ tokens }) => new UnsecuredJWT(decodeJwt(tokens.id_token)).encode()],
    ['no signature', ({ tokens }) => tokens.id_token.replace(/[^.]*$/, '')],
    [
      "somebody's own key under our kid",
      async ({ tokens }) =>
        new SignJWT(decodeJwt(tokens.id_token))
          .setProtectedHeader(decodeProtectedHeader(tokens.id_token) as { alg: string })
          .sign((await generateKeyPair('RS256')).privateKey),
    ],
    [
      'a foreign issuer under our own key (threat-model#foreign-hint)',
      (scene) => resigned(scene, 'JWT', { iss: 'https://other.example.com' }),
    ],
    ['a logout token (threat-model#token-confusion)', (scene) => resigned(scene, 'logout+jwt', {})],
    ['white space', () => ' '],
    ['a NUL, escaped', ({ tokens }) => `${tokens.id_token}%00`],
  ])('is refused when it is %s', async (_name, forge) => {
    const scene = await aScene(app);
    for (const path of [V1, V2]) {
      const request = { path, browser: scene.browser, body: { idToken: await forge(scene) } };
      expectCspError(await changesNothing(scene, request), 404, 'ID_TOKEN_INVALID');
    }
  });

  it('is refused when its client was deleted', async () => {
    const scene = await aScene(app);
    const gone = await anApplication(app);
    const { id_token: idToken } = await app.signInTo(app.browser(), gone, (await app.createAccount()).login);
    await app.json('DELETE', `/admin/v1/clients/${gone.clientId}`, { token: await app.adminToken() });
    expectCspError(await changesNothing(scene, { body: { idToken } }), 404, 'CLIENT_NOT_FOUND');
  });

  it("is refused beside another person's cookie, and neither session ends", async () => {
    const [scene, other] = [await aScene(app), await aScene(app)];
    const answer = await changesNothing(scene, { browser: scene.browser, body: { idToken: other.tokens.id_token } });
    expectCspError(answer, 409, 'USER_MISMATCH');
    await expectSignedIn(other);
  });

  function resigned(
    { tokens }: Scene,
    type: 'JWT' | 'at+jwt' | 'logout+jwt',
    claims: Record<string, unknown>,
  ): Promise<string> {
    return app.app.get(JwtSigner).sign('RS256', type, { ...decodeJwt(tokens.id_token), ...claims });
  }
});

describe('post_logout_redirect_uri and state (wire/vmware-csp#redirect-uri)', () => {
  it('go into the URL after the hint, percent-encoded', async () => {
    const { client, tokens, browser } = await aScene(app);
    const query = { post_logout_redirect_uri: client.postLogoutRedirectUri, state: 'a b&c=d/é' };
    const answer = await csp(app, { browser, query, body: { idToken: tokens.id_token } });
    expectUrl(
      answer,
      `${endSession}?id_token_hint=${tokens.id_token}&post_logout_redirect_uri=${encodeURIComponent(client.postLogoutRedirectUri)}&state=a%20b%26c%3Dd%2F%C3%A9`,
    );
  });

  it('take the browser back at once: there is nothing left to ask', async () => {
    const { client, tokens, browser } = await aScene(app);
    const query = { post_logout_redirect_uri: client.postLogoutRedirectUri, state: 'n7' };
    const { json } = await csp(app, { browser, query, body: { idToken: tokens.id_token } });
    const visitor = app.browser();
    const done = await visitor.get(String(json.url));
    expect([done.status, done.location]).toEqual([303, `${client.postLogoutRedirectUri}?state=n7`]);
  });

  it.each([
    ['state alone', { state: 'n7' }],
    ['an empty URI', { state: 'n7', post_logout_redirect_uri: '' }],
  ])('are left out: %s', async (_name, query) => {
    const { tokens } = await aScene(app);
    const { url } = (await csp(app, { query, body: { idToken: tokens.id_token } })).json;
    expect(parametersOf(url)).toEqual([['id_token_hint', tokens.id_token]]);
  });

  it('an empty state is left out', async () => {
    const { tokens } = await aScene(app);
    const query = { post_logout_redirect_uri: SIGNED_OUT_URI, state: '' };
    const { url } = (await csp(app, { query, body: { idToken: tokens.id_token } })).json;
    expect(parametersOf(url).map(([name]) => name)).toEqual(['id_token_hint', 'post_logout_redirect_uri']);
  });

  it.each([
    ['unregistered', 'https://evil.example.com/'],
    ['registered, with a slash more (threat-model#open-redirect)', `${SIGNED_OUT_URI}/`],
    ['registered, with a query more', `${SIGNED_OUT_URI}?a=1`],
    ['registered, in another case', SIGNED_OUT_URI.toUpperCase()],
    ['relative', '/signed-out'],
    ['without a scheme', '//evil.example.com'],
    ['a script (threat-model#script-as-redirect)', 'javascript:alert(1)'],
  ])('is refused, and not echoed, when it is %s', async (_name, uri) => {
    const scene = await aScene(app);
    for (const path of [V1, V2]) {
      const query = { post_logout_redirect_uri: uri, state: 'n7' };
      const request = { path, query, browser: scene.browser, body: { idToken: scene.tokens.id_token } };
      const answer = await changesNothing(scene, request);
      expectCspError(answer, 400, 'REDIRECT_URI_NOT_REGISTERED');
      expect([...answer.headers].join()).not.toContain('evil');
    }
  });

  it('is refused when it is registered for another client', async () => {
    const scene = await aScene(app);
    const other = 'https://wiki.example.com/bye';
    await anApplication(app, { post_logout_redirect_uris: [other] });
    const query = { post_logout_redirect_uri: other };
    const answer = await changesNothing(scene, { query, body: { idToken: scene.tokens.id_token } });
    expectCspError(answer, 400, 'REDIRECT_URI_NOT_REGISTERED');
  });

  it('is refused without an ID token: the cookie names no client', async () => {
    const scene = await aScene(app);
    const query = { post_logout_redirect_uri: SIGNED_OUT_URI };
    const answer = await changesNothing(scene, { query, browser: scene.browser });
    expectCspError(answer, 400, 'REDIRECT_URI_NOT_REGISTERED');
  });
});

describe('v2 (wire/vmware-csp#v2)', () => {
  it('redirects with 303 to the same URL', async () => {
    const scene = await aScene(app);
    const { client, tokens, browser } = scene;
    const query = { post_logout_redirect_uri: client.postLogoutRedirectUri, state: 'n7' };
    const { status, headers } = await csp(app, { path: V2, browser, query, body: { idToken: tokens.id_token } });
    expect([status, headers.get('cache-control')]).toEqual([303, 'no-store']);
    expect(parametersOf(headers.get('location'))).toEqual([
      ['id_token_hint', tokens.id_token],
      ['post_logout_redirect_uri', client.postLogoutRedirectUri],
      ['state', 'n7'],
    ]);
    expect(headers.getSetCookie()).toEqual([
      expect.stringMatching(/^exeunt_session=;.*Max-Age=0/),
      expect.stringMatching(/^exeunt_browser_state=[\w-]{43};/),
    ]);
    await expectSignedOut(scene);
  });

  it('knows no orgLink', async () => {
    const answer = await csp(app, { path: V2, query: { orgLink: 'anything' } });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, endSession]);
  });
});

describe('syntax (wire/vmware-csp#errors)', () => {
  const parameters = ['post_logout_redirect_uri', 'orgId', 'orgLink', 'state'];

  it.each(parameters)('refuses %s when it is sent twice', async (name) => {
    const scene = await aScene(app);
    const answer = await changesNothing(scene, { browser: scene.browser, query: `${name}=a&${name}=a` });
    expectCspError(answer, 400, 'INVALID_REQUEST');
    expect(answer.json.message).toBe(`${name} must be sent once.`);
  });

  it.each(parameters)('refuses %s when it is larger than anything that makes sense', async (name) => {
    const scene = await aScene(app);
    const answer = await changesNothing(scene, { browser: scene.browser, query: { [name]: 'x'.repeat(4001) } });
    expectCspError(answer, 400, 'INVALID_REQUEST');
  });

  it('refuses a NUL, which storage would refuse later', async () => {
    const scene = await aScene(app);
    const answer = await changesNothing(scene, { browser: scene.browser, query: 'orgId=a%00b' });
    expectCspError(answer, 400, 'INVALID_REQUEST');
  });

  it('ignores parameters that nobody documented', async () => {
    expectUrl(await csp(app, { query: 'x=1&x=2&client_id=y' }), endSession);
  });

  it.each([
    ['no body', null],
    ['an empty body', ''],
    ['broken JSON', '{"idToken":'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a PowerShell hash', '{ idToken=x }'],
    ['a number for the token', '{"idToken":1}'],
    ['a member that is sent twice', '{"idToken":"a","idToken":"b"}'],
  ])('refuses %s', async (_name, body) => {
    const scene = await aScene(app);
    const answer = await changesNothing(scene, { browser: scene.browser, body });
    expectCspError(answer, 400, 'INVALID_REQUEST_BODY');
  });

  it.each([
    ['an ID token that is too long', { idToken: 'x'.repeat(16_385) }],
    ['an ID token with a NUL', { idToken: 'x\0' }],
  ])('refuses %s', async (_name, body) => {
    const scene = await aScene(app);
    expectCspError(await changesNothing(scene, { browser: scene.browser, body }), 400, 'INVALID_REQUEST');
  });

  it.each([
    ['null for the token', '{"idToken":null}'],
    ['an empty token', '{"idToken":""}'],
    ['members that nobody documented', '{"x":{"y":[1,{}]}}'],
    ['more nesting than a stack holds', `{"x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
  ])('takes %s for `{}`', async (_name, body) => {
    expectUrl(await csp(app, { body }), endSession);
  });

  it.each(['application/json; charset=utf-8', 'Application/JSON', 'application/json;charset=UTF-8'])(
    'takes the media type %s',
    async (type) => {
      expectUrl(await csp(app, { headers: { 'content-type': type } }), endSession);
    },
  );

  it.each([
    'application/x-www-form-urlencoded',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'text/json',
    'nonsense',
    '',
  ])('refuses the media type %j', async (type) => {
    const scene = await aScene(app);
    for (const path of [V1, V2]) {
      const request = { path, browser: scene.browser, headers: { 'content-type': type } };
      expectCspError(await changesNothing(scene, request), 415, 'UNSUPPORTED_MEDIA_TYPE');
    }
  });

  it('refuses a body of more than 64 KiB', async () => {
    const scene = await aScene(app);
    const answer = await changesNothing(scene, { browser: scene.browser, body: { x: 'x'.repeat(66_000) } });
    expectCspError(answer, 413, 'REQUEST_TOO_LARGE');
  });
});

describe('an access token in place of the ID token', () => {
  async function signedIn(metadata: Record<string, unknown> = {}): Promise<Scene> {
    const { id, login } = await app.createAccount();
    const client = await anApplication(app, metadata);
    const browser = app.browser();
    return { app, client, accountId: id, browser, tokens: await app.signInTo(browser, client, login) };
  }

  it.each(['jwt', 'opaque'])('ends its session for every application, and itself (%s)', async (format) => {
    const scene = await signedIn({ access_token_format: format });
    const { tokens, client, accountId } = scene;
    const answer = await csp(app, { body: { idToken: tokens.access_token } });
    expect(answer.status).toBe(200);
    expect(String(answer.json.url)).toContain(`${endSession}?id_token_hint=`);
    expect(String(answer.json.url)).not.toContain(tokens.access_token);
    await expectSignedOut(scene);
    expect((await app.refresh(client, tokens.refresh_token)).status).toBe(400);
    expect(await terminationsOf(app, accountId)).toMatchObject([
      { cause: 'csp_logout', sessions: 1, initiator: { kind: 'client', clientId: client.clientId } },
    ]);
    const again = await csp(app, { body: { idToken: tokens.access_token } });
    expectCspError(again, 404, 'ID_TOKEN_INVALID');
  });

  it.each(['id_token', 'access_token', 'accessToken', 'token'])('is taken by the name of %s too', async (name) => {
    const scene = await signedIn();
    expect((await csp(app, { body: { [name]: scene.tokens.access_token } })).status).toBe(200);
    await expectSignedOut(scene);
  });

  it('idToken goes before the other names, which are nothing beside it', async () => {
    const [one, other] = [await signedIn(), await signedIn()];
    const body = { access_token: other.tokens.access_token, idToken: one.tokens.id_token, token: 5 };
    expect((await csp(app, { body })).status).toBe(200);
    await expectSignedOut(one);
    await expectSignedIn(other);
  });

  it('leads back to a registered URI of its client, and to no other', async () => {
    const scene = await signedIn();
    const refused = { query: { post_logout_redirect_uri: 'https://evil.example.com/' } };
    const body = { idToken: scene.tokens.access_token };
    expectCspError(await changesNothing(scene, { ...refused, body }), 400, 'REDIRECT_URI_NOT_REGISTERED');
    expect(await app.isActive(scene.client, scene.tokens.access_token)).toBe(true);
    const { json } = await csp(app, { query: { post_logout_redirect_uri: SIGNED_OUT_URI, state: 'n7' }, body });
    const page = await scene.browser.get(String(json.url));
    expect([page.status, page.location]).toEqual([303, `${SIGNED_OUT_URI}?state=n7`]);
  });

  it('that was granted for when nobody is there dies itself, and ends the session; the grant goes on', async () => {
    const { login } = await app.createAccount();
    const client = await anApplication(app, { scope: 'openid offline_access' });
    const browser = app.browser();
    const tokens = await app.signInTo(browser, client, login, { scope: 'openid offline_access', prompt: 'consent' });
    expect((await csp(app, { body: { idToken: tokens.access_token } })).status).toBe(200);
    await expectSignedOut({ app, client, browser, tokens, accountId: '' });
    const renewed = await app.refresh(client, tokens.refresh_token);
    expect(renewed.status).toBe(200);
    // The session is over by now: the token alone is what is left to end.
    const token = String(renewed.body.access_token);
    expect((await csp(app, { body: { idToken: token } })).status).toBe(200);
    expect(await app.isActive(client, token)).toBe(false);
  });

  it.each(['jwt', 'opaque'])("of a client's own ends itself (%s), and 404 says so afterwards", async (format) => {
    const machine = await anApplication(app, {
      grant_types: ['client_credentials', 'authorization_code'],
      access_token_format: format,
    });
    const { body } = await app.form('/token', { grant_type: 'client_credentials' }, machine);
    const idToken = String(body.access_token);
    const answer = await csp(app, { body: { idToken } });
    expectUrl(answer, endSession);
    expect(await app.isActive(machine, idToken)).toBe(false);
    expectCspError(await csp(app, { body: { idToken } }), 404, 'ID_TOKEN_INVALID');
  });

  it("is refused beside another person's cookie, and nothing ends", async () => {
    const [one, other] = [await signedIn(), await signedIn()];
    const answer = await changesNothing(one, { browser: one.browser, body: { idToken: other.tokens.access_token } });
    expectCspError(answer, 409, 'USER_MISMATCH');
    expect(await app.isActive(other.client, other.tokens.access_token)).toBe(true);
  });

  it('ends nothing where the setting says so', async () => {
    const quiet = await TestApp.start({ cspLogoutEndsSession: false });
    try {
      const { login } = await quiet.createAccount();
      const client = await anApplication(quiet);
      const { access_token: idToken } = await quiet.signInTo(quiet.browser(), client, login);
      expect((await csp(quiet, { body: { idToken } })).status).toBe(200);
      expect(await quiet.isActive(client, idToken)).toBe(true);
    } finally {
      await quiet.stop();
    }
  });
});

describe('browser applications (Fetch standard, CORS)', () => {
  const CORS = ['origin', 'methods', 'headers', 'credentials'].map((name) => `access-control-allow-${name}`);
  const corsOf = ({ headers }: CspAnswer) => CORS.map((name) => headers.get(name));
  const PREFLIGHT = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };

  it.each([
    ['https://spa.example.com/cb', 'https://spa.example.com'],
    ['https://SPA2.example.com:443/cb?x=1', 'https://spa2.example.com'],
    ['https://spa3.example.com:8443', 'https://spa3.example.com:8443'],
    ['http://localhost:3999/cb', 'http://localhost:3999'],
  ])('the origin of %s may ask and read, without credentials', async (redirectUri, origin) => {
    const client = await anApplication(app, { redirect_uris: [redirectUri] });
    const { login } = await app.createAccount();
    const { id_token: idToken } = await app.signInTo(app.browser(), client, login);
    for (const path of [V1, V2]) {
      const asked = await csp(app, { path, method: 'OPTIONS', body: null, headers: { origin, ...PREFLIGHT } });
      expect(asked.status).toBe(204);
      expect(corsOf(asked)).toEqual([origin, 'POST', 'Authorization, Content-Type', null]);
    }
    for (const body of [{}, { idToken }, { idToken: 'garbage' }, '[]']) {
      const answer = await csp(app, { body, headers: { origin } });
      expect(corsOf(answer)).toEqual([origin, null, null, null]);
      expect(answer.headers.get('vary')).toContain('Origin');
    }
    const typed = await csp(app, { headers: { origin, 'content-type': 'text/plain' } });
    expect([typed.status, corsOf(typed)[0]]).toEqual([415, origin]);
    await app.json('POST', `/admin/v1/clients/${client.clientId}/disable`, { token: await app.adminToken() });
    expect(corsOf(await csp(app, { headers: { origin } }))).toEqual([null, null, null, null]);
  });

  it.each([
    'https://evil.example.com',
    'null',
    'https://spa4.example.com:444',
    'http://spa4.example.com',
    '*',
    'https://spa4.example.com.evil.example',
  ])('the origin %s may not', async (origin) => {
    await anApplication(app, {
      redirect_uris: ['https://spa4.example.com/cb', 'com.example.app:/cb'],
      application_type: 'native',
    });
    const asked = await csp(app, { method: 'OPTIONS', body: null, headers: { origin, ...PREFLIGHT } });
    expect(corsOf(asked)).toEqual([null, null, null, null]);
    expect(corsOf(await csp(app, { headers: { origin } }))).toEqual([null, null, null, null]);
  });

  it('a preflight never opens more than the documented request, whatever it asks for', async () => {
    const origin = 'https://spa5.example.com';
    await anApplication(app, { redirect_uris: [`${origin}/cb`] });
    const headers = {
      origin,
      'access-control-request-method': 'DELETE',
      'access-control-request-headers': 'x-evil, cookie',
    };
    const asked = await csp(app, { method: 'OPTIONS', body: null, headers });
    expect(corsOf(asked)).toEqual([origin, 'POST', 'Authorization, Content-Type', null]);
  });
});

describe('addresses and methods', () => {
  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('refuses %s with Allow', async (method) => {
    const scene = await aScene(app);
    for (const path of [V1, V2]) {
      const answer = await changesNothing(scene, { path, method, browser: scene.browser, body: null });
      expectCspError(answer, 405, 'METHOD_NOT_ALLOWED');
      expect(answer.headers.get('allow')).toBe('POST');
    }
  });

  it.each(['/csp/', '/csp/gateway/am/api/auth', `${V1}/x`, '/csp/gateway/am/api/v3/auth/logout'])(
    'knows nothing at %s',
    async (path) => {
      expectCspError(await csp(app, { path }), 404, 'NOT_FOUND');
    },
  );
});

describe('too many requests (wire/vmware-csp#errors)', () => {
  let limited: TestApp;

  beforeAll(async () => {
    limited = await TestApp.start({ cspLogoutPerMinute: 2 });
  });
  afterAll(() => limited.stop());

  it('are refused with the seconds to wait, over both versions, before anything is looked at', async () => {
    const scene = await aScene(limited);
    expect((await csp(limited)).status).toBe(200);
    expect((await csp(limited, { path: V2 })).status).toBe(303);
    for (const path of [V1, V2]) {
      const answer = await changesNothing(scene, { path, browser: scene.browser });
      expectCspError(answer, 429, 'TOO_MANY_REQUESTS');
      const seconds = Number(answer.headers.get('retry-after'));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(60);
    }
  });
});

describe('failures of ours, and the log (wire/vmware-csp#errors)', () => {
  // Of its own, because the log goes to the application that was started last.
  let own: TestApp;

  beforeAll(async () => {
    own = await TestApp.start();
  });
  afterAll(() => own.stop());

  // docs/threat-model.md#success-without-storage
  it.each(['sessions', 'rate_limits'])('when %s cannot be read, never success', async (table) => {
    const scene = await aScene(own);
    await own.db.query(`ALTER TABLE ${table} RENAME TO away`);
    try {
      const answer = await csp(own, { browser: scene.browser, body: { idToken: scene.tokens.id_token } });
      expectCspError(answer, 500, 'INTERNAL_ERROR');
      expect(answer.headers.get('retry-after')).toBeNull();
    } finally {
      await own.db.query(`ALTER TABLE away RENAME TO ${table}`);
    }
    await expectSignedIn(scene);
  });

  it('the request id is the id in the log, of a failure and of a refusal', async () => {
    await own.db.query('ALTER TABLE rate_limits RENAME TO away');
    const { json } = await csp(own);
    await own.db.query('ALTER TABLE away RENAME TO rate_limits');
    expect(own.logger.lines.join('\n')).toContain(`request ${String(json.requestId)} failed`);
    const refused = await csp(own, { query: { orgId: 'nowhere' } });
    expect(own.logger.lines.join('\n')).toContain(`request ${String(refused.json.requestId)} refused: `);
  });

  it('no token is written to the log', async () => {
    const { browser, tokens } = await aScene(own);
    const cookie = browser.cookie('exeunt_session') ?? 'none';
    await csp(own, { browser, query: { orgId: 'nowhere' }, body: { idToken: tokens.id_token } });
    await csp(own, { browser, body: `{"idToken":"${tokens.id_token}"` });
    await csp(own, { browser, body: { idToken: tokens.id_token } });
    for (const secret of [cookie, tokens.id_token]) expect(own.logger.lines.join('\n')).not.toContain(secret);
  });
});
