import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';
import { TestApp, type TestClient } from '../support/app.js';
import type { Page } from '../support/http.js';
import { claimsOf, redeem } from '../tokens/token-requests.js';

const CALLBACK = 'http://127.0.0.1:9/callback';
const OTHER_CALLBACK = 'http://127.0.0.1:9/other';

interface Key {
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

async function aKey(alg: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid: alg, alg } };
}

describe('request objects (OpenID Connect Core 1.0 §6.1, RFC 9101)', () => {
  let app: TestApp;
  let keys: Record<string, Key>;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    keys = Object.fromEntries(
      await Promise.all(['RS256', 'PS256', 'ES256', 'EdDSA', 'ES384'].map(async (alg) => [alg, await aKey(alg)])),
    ) as Record<string, Key>;
    client = await withKeys({});
  });
  afterAll(() => app.stop());

  const withKeys = (metadata: Record<string, unknown>): Promise<TestClient> =>
    app.createClient({
      redirect_uris: [CALLBACK, OTHER_CALLBACK],
      jwks: { keys: Object.values(keys).map(({ jwk }) => jwk) },
      ...metadata,
    });

  const parametersOf = (of: TestClient): JWTPayload => ({
    iss: of.clientId,
    aud: app.issuer,
    client_id: of.clientId,
    response_type: 'code',
    redirect_uri: OTHER_CALLBACK,
    scope: 'openid email',
    state: 'state of the object',
    nonce: 'nonce of the object',
    exp: app.clock.seconds() + 60,
  });

  function signed(
    claims: Readonly<Record<string, unknown>> = {},
    { alg = 'ES256', of = client, by }: { alg?: string; of?: TestClient; by?: Key } = {},
  ): Promise<string> {
    const key = by ?? keys[alg]!;
    return new SignJWT({ ...parametersOf(of), ...claims })
      .setProtectedHeader({ alg, kid: key.jwk.kid ?? alg })
      .sign(key.privateKey);
  }

  /** The least that stands beside an object (Core §6.1). */
  const ask = (request: string, of = client, beside: Record<string, string | undefined> = {}): Promise<Page> =>
    app
      .browser()
      .get(app.authorizeUrl(of, { redirect_uri: undefined, scope: 'openid', state: undefined, request, ...beside }));

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('signed with %s say everything that a request says', async (alg) => {
    const account = await app.createAccount();
    const browser = app.browser();
    const url = app.authorizeUrl(client, {
      redirect_uri: CALLBACK,
      state: 'state beside',
      nonce: 'nonce beside',
      request: await signed({}, { alg }),
    });
    const done = await browser.follow(await app.signIn(browser, await browser.get(url), account.login));
    expect(done.location?.startsWith(`${OTHER_CALLBACK}?`)).toBe(true);
    expect(done.query.get('state')).toBe('state of the object');
    const code = done.query.get('code') ?? '';
    const { status, body } = await redeem(app, client, code, { redirect_uri: OTHER_CALLBACK });
    expect([status, body.scope]).toEqual([200, 'openid email']);
    expect(claimsOf(body.id_token)).toMatchObject({ nonce: 'nonce of the object', email: account.login });
  });

  it('come by POST too, with claims as an object and max_age as a number', async () => {
    const account = await app.createAccount(undefined, { given_name: 'Mia' });
    const browser = app.browser();
    await app.codeFor(browser, client, account.login);
    app.clock.advance(20_000);
    const request = await signed({ claims: { id_token: { given_name: null } }, max_age: 30, scope: 'openid' });
    const fields = { client_id: client.clientId, response_type: 'code', scope: 'openid', request };
    const page = await browser.post('/authorize', fields);
    const { body } = await redeem(app, client, page.query.get('code') ?? '', { redirect_uri: OTHER_CALLBACK });
    expect(claimsOf(body.id_token).given_name).toBe('Mia');
    app.clock.advance(20_000);
    const late = await signed({ max_age: 30 });
    expect(
      (await browser.follow(await browser.post('/authorize', { ...fields, request: late }))).has('login-submit'),
    ).toBe(true);
  });

  it('are verified by keys that the client publishes at its jwks_uri', async () => {
    const published: Server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [keys.ES256!.jwk] }));
    });
    await new Promise<void>((resolve) => published.listen(0, '127.0.0.1', resolve));
    const jwks_uri = `http://127.0.0.1:${(published.address() as AddressInfo).port}/jwks.json`;
    const of = await withKeys({ jwks: undefined, jwks_uri });
    expect((await ask(await signed({ prompt: 'none' }, { of }), of)).query.get('error')).toBe('login_required');
    await new Promise((resolve) => published.close(resolve));
    const gone = await withKeys({ jwks: undefined, jwks_uri: `${jwks_uri}?gone` });
    const page = await ask(await signed({}, { of: gone }), gone);
    expect(page.query.get('error')).toBe('invalid_request_object');
  });

  it.each<[string, () => Promise<string>]>([
    ['unsigned', async () => new UnsecuredJWT(parametersOf(client)).encode()],
    ['signed by a key of another', async () => signed({}, { by: await aKey('ES256') })],
    ['signed with an algorithm that is not offered', () => signed({}, { alg: 'ES384' })],
    [
      'signed with the secret, which here is anybody’s who reads the public key',
      () =>
        new SignJWT(parametersOf(client)).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(client.clientSecret)),
    ],
    ['changed on the way', async () => `${(await signed()).slice(0, -8)}AAAAAAAA`],
    ['expired', () => signed({ exp: app.clock.seconds() - 60 })],
    ['not yet good', () => signed({ nbf: app.clock.seconds() + 60 })],
    ['of another issuer', () => signed({ iss: 'another' })],
    ['for another provider', () => signed({ aud: 'https://other.example' })],
    ['of another client', () => signed({ client_id: 'another' })],
    ['of another response type than beside it', () => signed({ response_type: 'token' })],
    ['with an object in it', async () => signed({ request: await signed() })],
    ['with the address of one in it', () => signed({ request_uri: 'https://rp.example/r' })],
    ['that is a proof of who the client is (RFC 9101 §10.8)', () => signed({ sub: client.clientId })],
    ['with a parameter that is a list', () => signed({ scope: ['openid'] })],
  ])('%s are refused, where and how the object asks for the answer, and nothing begins', async (_what, object) => {
    const before = await app.rowCounts();
    const request = await object();
    const page = await ask(request);
    expect(page.location?.startsWith(`${OTHER_CALLBACK}?`)).toBe(true);
    expect(Object.fromEntries(page.query)).toMatchObject({
      error: 'invalid_request_object',
      state: 'state of the object',
      iss: app.issuer,
    });
    expect(await app.rowCounts()).toEqual(before);
  });

  it('without a signature are refused by form_post when they ask for that', async () => {
    const keyless = await app.createClient({ redirect_uris: [CALLBACK, OTHER_CALLBACK] });
    for (const [of, error] of [
      [client, 'invalid_request_object'],
      [keyless, 'request_not_supported'],
    ] as const) {
      const request = new UnsecuredJWT({ ...parametersOf(of), response_mode: 'form_post' }).encode();
      const page = await ask(request, of);
      expect(page.status).toBe(200);
      expect(page.body).toContain(`action="${OTHER_CALLBACK}"`);
      expect(page.body).toContain(`value="${error}"`);
    }
  });

  it.each<[string, () => Promise<string> | string]>([
    ['that are no JWT', () => 'nonsense'],
    ['that are encrypted', () => 'e30.a.b.c.d'],
  ])('%s are refused where the request beside them says', async (_what, object) => {
    const page = await ask(await object(), client, { redirect_uri: CALLBACK, state: 'beside' });
    expect(page.location?.startsWith(`${CALLBACK}?`)).toBe(true);
    expect(Object.fromEntries(page.query)).toMatchObject({ error: 'invalid_request_object', state: 'beside' });
  });

  it('never lead to an address that is not registered, signed or not', async () => {
    const redirect_uri = 'https://evil.example.com/cb';
    for (const request of [
      await signed({ redirect_uri }),
      new UnsecuredJWT({ ...parametersOf(client), redirect_uri }).encode(),
    ]) {
      const page = await ask(request, client, { redirect_uri: CALLBACK });
      expect([page.status, page.location]).toEqual([400, undefined]);
    }
  });

  it('take an aud of several, none of the claims about themselves, and the client’s one algorithm', async () => {
    const of = await withKeys({ request_object_signing_alg: 'RS256' });
    const nobody = { prompt: 'none' };
    const several = await signed({ ...nobody, aud: ['https://other.example', app.issuer] }, { of, alg: 'RS256' });
    const bare = await signed({ ...nobody, iss: undefined, aud: undefined, exp: undefined }, { of, alg: 'RS256' });
    for (const request of [several, bare]) expect((await ask(request, of)).query.get('error')).toBe('login_required');
    const other = await ask(await signed(nobody, { of, alg: 'ES256' }), of);
    expect(other.query.get('error')).toBe('invalid_request_object');
  });

  it('are announced, without none; other algorithms are not registered', async () => {
    const { body } = await app.json('GET', '/.well-known/openid-configuration');
    expect(body).toMatchObject({
      request_parameter_supported: true,
      request_uri_parameter_supported: false,
      request_object_signing_alg_values_supported: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    });
    const token = await app.adminToken();
    for (const metadata of [
      { request_object_signing_alg: 'none' },
      { request_object_signing_alg: 'HS256' },
      { request_object_encryption_alg: 'RSA-OAEP' },
    ]) {
      const answer = await app.json('POST', '/register', { token, body: { redirect_uris: [CALLBACK], ...metadata } });
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client_metadata']);
    }
  });
});
