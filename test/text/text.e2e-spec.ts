import { request as httpRequest } from 'node:http';
import { ADMIN, basic, TestApp, type TestClient } from '../support/app.js';

const HALF = 'Rocket \ud83d';
const NUL = 'a\0b';
const CALLBACK = 'https://app.example.com/callback';

function nested(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`;
}

describe('a mistake in a text is the request’s, is named, and changes nothing', () => {
  let app: TestApp;
  let client: TestClient;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start({ registration: 'open' });
    client = await app.createClient();
    token = await app.adminToken();
  });
  afterAll(() => app.stop());
  beforeEach(() => {
    app.logger.lines.length = 0;
  });
  afterEach(() => {
    expect(app.logger.lines.filter((line) => /request \S+ failed|cannot be stored|does not take/.test(line))).toEqual(
      [],
    );
  });

  /** With the body as it is written: `JSON.stringify` would repair nothing and hide what is sent. */
  async function send(method: string, path: string, body: string, headers: Record<string, string> = {}) {
    const response = await fetch(`${app.issuer}${path}`, {
      method,
      body,
      headers: { 'content-type': 'application/json', ...headers },
      redirect: 'manual',
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }
  const bearer = (): Record<string, string> => ({ authorization: `Bearer ${token}` });

  it.each<[string, Record<string, unknown>, string, RegExp]>([
    ['half a character in client_name', { client_name: HALF }, 'invalid_client_metadata', /^client_name /],
    ['a NUL in client_name', { client_name: NUL }, 'invalid_client_metadata', /^client_name /],
    ['half a character in contacts', { contacts: ['a', HALF] }, 'invalid_client_metadata', /^contacts\.1 /],
    ['a kid', { jwks: { keys: [{ kty: 'EC', kid: HALF }] } }, 'invalid_client_metadata', /^jwks\.keys\.0\.kid /],
    ['a redirect URI', { redirect_uris: [`${CALLBACK}/${HALF}`] }, 'invalid_redirect_uri', /^redirect_uris\.0 /],
    ['a name of a member', { jwks: { [HALF]: [] } }, 'invalid_client_metadata', /^The name of a member of jwks /],
    ['a member that nobody knows', { x: { y: [NUL] } }, 'invalid_client_metadata', /^x\.y\.0 /],
  ])('/register: %s', async (_, members, error, words) => {
    const before = await rows(app);
    const answer = await send('POST', '/register', JSON.stringify({ redirect_uris: [CALLBACK], ...members }));
    expect(answer.status).toBe(400);
    const body = JSON.parse(answer.text) as { error: string; error_description: string };
    expect(body.error).toBe(error);
    expect(body.error_description).toMatch(words);
    expect(await rows(app)).toEqual(before);
  });

  it.each<[string, string, Record<string, unknown>, RegExp]>([
    ['POST', '/admin/v1/accounts', { login: 'a', claims: { name: HALF } }, /^claims\.name /],
    ['POST', '/admin/v1/accounts', { login: HALF }, /^login /],
    ['POST', '/admin/v1/clients', { grant_types: ['client_credentials'], audience: [HALF] }, /^audience\.0 /],
    [
      'POST',
      '/admin/v1/upstreams',
      { name: 'a', issuer: 'https://a.example', client_id: 'a', display_name: HALF },
      /^display_name /,
    ],
    [
      'POST',
      '/admin/v1/upstreams',
      { name: 'a', issuer: 'https://a.example', client_id: 'a', claim_mapping: { name: HALF } },
      /^claim_mapping\.name /,
    ],
    ['POST', '/admin/v1/organizations', { id: HALF, name: 'x' }, /^id /],
  ])('%s %s names the member', async (method, path, members, words) => {
    const before = await rows(app);
    const answer = await app.json(method, path, { token, body: members });
    expect([answer.status, answer.body.error_description]).toEqual([400, expect.stringMatching(words)]);
    expect(await rows(app)).toEqual(before);
  });

  it.each(['/register', '/admin/v1/clients', '/admin/v1/accounts', '/admin/v1/upstreams'])(
    '%s does not fall over nesting',
    async (path) => {
      const needed = path.endsWith('accounts') ? '"login":"x"' : `"redirect_uris":["${CALLBACK}"]`;
      const body = `{${needed},"contacts":${nested(20_000)}}`;
      const answer = await send('POST', path, body, path === '/register' ? {} : bearer());
      expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('nested too deep')]);
    },
  );

  it('innocent text that spells an escape is taken', async () => {
    const password = 'six characters: \\u0000 and \\ud800';
    const { status, body } = await app.json('POST', '/admin/v1/accounts', {
      token,
      body: { login: 'spells@example.com', password },
    });
    expect(status).toBe(201);
    expect(body.login).toBe('spells@example.com');
    const browser = app.browser();
    const page = await browser.get(app.authorizeUrl(client));
    expect((await app.signIn(browser, page, 'spells@example.com', password)).query.get('code')).not.toBeNull();
    const registered = await app.json('POST', '/register', {
      body: { redirect_uris: [CALLBACK], client_name: 'C:\\u0000' },
    });
    expect([registered.status, registered.body.client_name]).toEqual([201, 'C:\\u0000']);
  });

  it.each<[string, Record<string, string>, string | undefined]>([
    ['the name of a claim with half a character', { claims: '{"userinfo":{"\\ud800":null}}' }, 'invalid_request'],
    ['the name of a claim with a NUL', { claims: '{"userinfo":{"a\\u0000b":null}}' }, 'invalid_request'],
    ['a value with a NUL', { claims: '{"id_token":{"sub":{"value":"\\u0000"}}}' }, 'invalid_request'],
    ['deep nesting', { claims: `{"userinfo":{"name":{"value":${nested(1500)}}}}` }, 'invalid_request'],
    ['acr with a number', { claims: '{"id_token":{"acr":{"essential":true,"values":5}}}' }, 'invalid_request'],
    ['acr with an object', { claims: '{"id_token":{"acr":{"essential":true,"values":{}}}}' }, 'invalid_request'],
    ['acr with a text', { claims: '{"id_token":{"acr":{"essential":true,"values":"x"}}}' }, 'invalid_request'],
    ['another claim with a number', { claims: '{"userinfo":{"name":{"values":5}}}' }, 'invalid_request'],
    ['an acr that cannot be', { claims: '{"id_token":{"acr":{"essential":true,"values":["x"]}}}' }, 'unmet_auth'],
    ['a huge max_age', { max_age: '99999999999999999999' }, 'invalid_request'],
    ['a NUL in state', { state: NUL }, 'invalid_request'],
    ['a request for nothing', { claims: '{"id_token":{"acr":null,"name":7}}' }, undefined],
  ])('/authorize, %s: %j', async (_, parameters, error) => {
    const page = await app.browser().get(app.authorizeUrl(client, parameters));
    expect(page.status).toBe(303);
    if (error === undefined) expect(page.location).toContain('/interaction/');
    else {
      expect(page.location?.startsWith(client.redirectUri)).toBe(true);
      expect(page.query.get('error')).toContain(error);
      expect(page.query.get('iss')).toBe(app.issuer);
    }
  });

  it('claims that are none of ours are neither shown nor kept', async () => {
    const asking = await app.createClient({ skip_consent: false });
    const { login } = await app.createAccount();
    const browser = app.browser();
    const claims = JSON.stringify({
      userinfo: { 'approval by your administrator was granted': null, email: { essential: true, note: 'x' } },
    });
    const signIn = await browser.follow(await browser.get(app.authorizeUrl(asking, { claims })));
    const consent = await browser.follow(await app.signIn(browser, signIn, login));
    expect(consent.body).toContain('See your email');
    expect(consent.body).not.toContain('approval');
    await browser.submit(consent, 'consent-submit');
    // Too long for an address, so that what is kept of the request can be read.
    await browser.get(app.authorizeUrl(asking, { claims, state: 'x'.repeat(3000), prompt: 'login' }));
    const [kept] = await app.db.query<{ text: string }>(
      `SELECT (SELECT json_agg(c) FROM consents c)::text || (SELECT json_agg(i) FROM interactions i)::text AS text`,
    );
    expect(kept?.text).toContain('xxx');
    expect(kept?.text).not.toMatch(/approval|note/);
  });

  it('form_post needs a web address, and the app is told so in the other way', async () => {
    const native = await app.createClient({ application_type: 'native', redirect_uris: ['com.example.app:/cb'] });
    const page = await app.browser().get(app.authorizeUrl(native, { response_mode: 'form_post', code_challenge: 'x' }));
    expect(page.status).toBe(303);
    expect(page.location).toContain('com.example.app:/cb?error=invalid_request');
    expect(page.location).toContain('state=a-state');
  });

  it.each(['65536', '99999', '0000099999'])(
    'a loopback port that there is not (%s) is not registered',
    async (port) => {
      const native = await app.createClient({ application_type: 'native', redirect_uris: ['http://127.0.0.1/cb'] });
      const page = await app.browser().get(app.authorizeUrl(native, { redirect_uri: `http://127.0.0.1:${port}/cb` }));
      expect([page.status, page.location]).toEqual([400, undefined]);
    },
  );

  it.each(['/authorize', '/session/end_session', '/console/sign-in', '/account/sessions/end-others'])(
    '%s takes forms and no JSON',
    async (path) => {
      const before = await rows(app);
      const answer = await send('POST', path, JSON.stringify({ client_id: client.clientId, state: '\ud800' }));
      expect(answer.status).toBe(400);
      expect(answer.headers.get('content-type')).toContain('text/html');
      expect(await rows(app)).toEqual(before);
    },
  );

  it.each([
    ['a form', 'application/x-www-form-urlencoded'],
    ['text', 'text/plain'],
    ['nothing that is named', ''],
  ])('the admin API says that it takes JSON when it is sent %s', async (_, type) => {
    const answer = await send('POST', '/admin/v1/accounts', '{"login":"z"}', { ...bearer(), 'content-type': type });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('Content-Type: application/json');
  });

  it.each(['{"login":', '{"login":"z"} x', "{'login':'z'}"])('%s is said to be no JSON', async (body) => {
    const answer = await send('POST', '/admin/v1/accounts', body, bearer());
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toEqual({
      error: 'invalid_request',
      error_description: 'The body is not valid JSON.',
    });
  });

  it.each<[string, string]>([
    ['a NUL in the client id', `Basic ${Buffer.from('a\0b:c').toString('base64')}`],
    ['half a character', `Basic ${Buffer.from('a%ED%A0%80:c').toString('base64')}`],
    ['bytes that are no UTF-8', `Basic ${Buffer.from([0xff, 0xfe, 0x3a, 0xff]).toString('base64')}`],
    ['a token whose kid has a NUL', `Bearer ${jwt({ alg: 'ES256', typ: 'at+jwt', kid: NUL }, {})}`],
    ['a token of deep nesting', `Bearer ${Buffer.from(nested(5000)).toString('base64url')}.e30.x`],
  ])('Authorization with %s is refused', async (_, authorization) => {
    for (const [method, path] of [
      ['POST', '/token'],
      ['GET', '/userinfo'],
      ['GET', '/admin/v1/clients'],
      ['GET', '/_security/_authenticate'],
    ] as const) {
      const response = await fetch(`${app.issuer}${path}`, {
        method,
        headers: { authorization },
        ...(method === 'POST' ? { body: new URLSearchParams({ grant_type: 'client_credentials' }) } : {}),
      });
      expect([path, response.status]).toEqual([path, 401]);
    }
  });

  it.each([{ sub: NUL }, { sub: HALF }, { sub: ['x'] }, { sub: 'x', iss: { a: 1 } }])(
    'a client assertion that says %j is no client’s',
    async (claims) => {
      const answer = await app.form('/token', {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: jwt({ alg: 'ES256', kid: HALF }, claims),
      });
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
    },
  );

  it.each<[string, Record<string, unknown>]>([
    ['RS256', { kty: 'RSA', n: 5, e: {} }],
    ['RS256', { kty: 'RSA', n: 'AQAB', e: 'AQ' }],
    ['ES256', { kty: 'EC', crv: 'P-256', x: 'a', y: 'b' }],
    ['EdDSA', { kty: 'OKP', crv: 'Ed25519', x: '' }],
  ])('an assertion by %s for the registered key %j, which is none, proves nothing', async (alg, key) => {
    const { body } = await app.json('POST', '/register', {
      body: { redirect_uris: [CALLBACK], token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key] } },
    });
    const answer = await app.form('/token', {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: jwt({ alg }, { sub: body.client_id, iss: body.client_id }),
    });
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
  });

  it('odd bytes in headers harm nobody', async () => {
    const headers = {
      'user-agent': `Ã¤${'x'.repeat(4000)}`,
      'accept-language': '\x80\xff',
      'x-forwarded-for': 'not an address, \xff',
      cookie: 'exeunt_session=%00; exeunt_browser=%ud800; exeunt_console=\xff; exeunt_browser_state=%E0',
    };
    const { login } = await app.createAccount();
    for (const path of [app.authorizeUrl(client), '/session/end_session', '/account/sessions', '/console', '/']) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        httpRequest(`${app.issuer}${path}`, { headers }, (response) => resolve(response.resume().statusCode))
          .on('error', reject)
          .end();
      });
      expect([path, (status ?? 500) < 500]).toEqual([path, true]);
    }
    const browser = app.browser({ 'user-agent': 'Ã¤\xff' });
    const page = await browser.get(app.authorizeUrl(client));
    expect((await app.signIn(browser, page, login)).query.get('code')).not.toBeNull();
  });

  it('the admin client is still let in', async () => {
    const response = await fetch(`${app.issuer}/token`, {
      method: 'POST',
      headers: { authorization: basic(ADMIN) },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    expect(response.status).toBe(200);
  });
});

function jwt(header: object, claims: object): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  return `${encode(header)}.${encode(claims)}.c2ln`;
}

/** But for the counters of who asks how often. */
async function rows(app: TestApp): Promise<Record<string, number>> {
  return { ...(await app.rowCounts()), rate_limits: 0 };
}
