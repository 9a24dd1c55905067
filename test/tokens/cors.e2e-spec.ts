import { TestApp, type TestClient } from '../support/app.js';

const ORIGIN = 'https://spa.example.com';
const REDIRECT_URI = `${ORIGIN}/callback`;
const ALLOW = 'access-control-allow-origin';

describe('CORS: a browser application reads its own answers and nobody else’s (RFC 9700 §2.6)', () => {
  let app: TestApp;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient({ redirect_uris: [REDIRECT_URI] });
  });
  afterAll(() => app.stop());

  async function tokens() {
    const { login } = await app.createAccount();
    return app.signInTo(app.browser(), client, login);
  }

  const FOREIGN = [
    'https://evil.example',
    'http://spa.example.com',
    'https://spa.example.com:8443',
    'https://spa.example.com.evil.example',
    'null',
  ];

  it('/token lets the registered origin read an answer, and an error', async () => {
    const { refresh_token } = await tokens();
    const fields = { grant_type: 'refresh_token', refresh_token };
    const answer = await app.form('/token', fields, client, { origin: ORIGIN });
    const error = await app.form('/token', { ...fields, refresh_token: 'x' }, client, { origin: ORIGIN });
    expect([answer.status, error.status]).toEqual([200, 400]);
    for (const { headers } of [answer, error]) {
      expect(headers.get(ALLOW)).toBe(ORIGIN);
      expect(headers.get('vary')).toContain('Origin');
      expect(headers.has('access-control-allow-credentials')).toBe(false);
    }
  });

  it.each(FOREIGN)('no answer of /token, /revoke or /userinfo may be read from %s', async (origin) => {
    const { refresh_token, access_token } = await tokens();
    const answers = [
      await app.form('/token', { grant_type: 'refresh_token', refresh_token }, client, { origin }),
      await app.form('/userinfo', { access_token }, undefined, { origin }),
      await app.form('/revoke', { token: access_token }, client, { origin }),
    ];
    for (const { status, headers } of answers) {
      expect(status).toBe(200);
      expect(headers.has(ALLOW)).toBe(false);
    }
  });

  it('/revoke and /userinfo let the registered origin read', async () => {
    const { access_token } = await tokens();
    const userinfo = await app.form('/userinfo', { access_token }, undefined, { origin: ORIGIN });
    const revoked = await app.form('/revoke', { token: access_token }, client, { origin: ORIGIN });
    expect([userinfo.headers.get(ALLOW), revoked.headers.get(ALLOW)]).toEqual([ORIGIN, ORIGIN]);
  });

  it('a client that did not authenticate is not let in by its origin', async () => {
    const answer = await app.form(
      '/token',
      { grant_type: 'refresh_token' },
      { ...client, clientSecret: 'wrong' },
      { origin: ORIGIN },
    );
    expect(answer.status).toBe(401);
    expect(answer.headers.has(ALLOW)).toBe(false);
  });

  it('/introspect is for servers', async () => {
    const { access_token } = await tokens();
    const answer = await app.form('/introspect', { token: access_token }, client, { origin: ORIGIN });
    expect(answer.body.active).toBe(true);
    expect(answer.headers.has(ALLOW)).toBe(false);
  });

  it('/authorize never has such a header, nor answers a preflight', async () => {
    const page = await app.browser({ origin: ORIGIN }).get(app.authorizeUrl(client));
    expect(page.headers.has(ALLOW)).toBe(false);
    const preflight = await fetch(`${app.issuer}/authorize`, {
      method: 'OPTIONS',
      headers: { origin: ORIGIN, 'access-control-request-method': 'POST' },
    });
    expect(preflight.headers.has(ALLOW)).toBe(false);
  });

  it.each(['/token', '/revoke', '/userinfo'])('%s answers a preflight without cookies allowed', async (path) => {
    const answer = await fetch(`${app.issuer}${path}`, {
      method: 'OPTIONS',
      headers: {
        origin: ORIGIN,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get(ALLOW)).toBe(ORIGIN);
    expect(answer.headers.get('access-control-allow-methods')).toContain('POST');
    expect(answer.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('authorization');
    expect(answer.headers.has('access-control-allow-credentials')).toBe(false);
  });

  it.each(['/jwks', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])(
    '%s is for everyone',
    async (path) => {
      const answer = await fetch(`${app.issuer}${path}`, { headers: { origin: 'https://anywhere.example' } });
      expect(answer.headers.get(ALLOW)).toBe('*');
    },
  );

  it.each(['/jwks', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])(
    '%s answers a preflight, whatever header is asked for',
    async (path) => {
      const answer = await fetch(`${app.issuer}${path}`, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://anywhere.example',
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'mcp-protocol-version, x-<odd>, x-other',
        },
      });
      expect([answer.status, await answer.text()]).toEqual([204, '']);
      expect(answer.headers.get(ALLOW)).toBe('*');
      expect(answer.headers.get('access-control-allow-methods')).toContain('GET');
      expect(answer.headers.get('access-control-allow-headers')).toBe('mcp-protocol-version, x-other');
      expect(answer.headers.has('access-control-allow-credentials')).toBe(false);
    },
  );

  describe('a refusal can be read by who was refused', () => {
    let spa: TestClient;
    beforeAll(async () => {
      spa = await app.createClient({ redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' });
    });

    async function aToken(metadata: Record<string, unknown> = {}): Promise<string> {
      const { login } = await app.createAccount();
      const of = await app.createClient({ redirect_uris: [REDIRECT_URI], ...metadata });
      const { access_token } = await app.signInTo(app.browser(), of, login);
      expect((await app.form('/revoke', { token: access_token }, of)).status).toBe(200);
      return access_token;
    }

    function userinfo(authorization: string | undefined, origin: string): Promise<Response> {
      return fetch(`${app.issuer}/userinfo`, {
        headers: { origin, ...(authorization === undefined ? {} : { authorization }) },
      });
    }

    it('/userinfo, with a token that was revoked: by the origin of its client and no other', async () => {
      const token = await aToken();
      const own = await userinfo(`Bearer ${token}`, ORIGIN);
      expect(own.status).toBe(401);
      expect(own.headers.get(ALLOW)).toBe(ORIGIN);
      expect(own.headers.get('vary')).toContain('Origin');
      expect(own.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
      expect(own.headers.get('www-authenticate')).toContain('invalid_token');
      expect(own.headers.has('access-control-allow-credentials')).toBe(false);
      for (const origin of FOREIGN) {
        const foreign = await userinfo(`Bearer ${token}`, origin);
        expect([foreign.status, foreign.headers.has(ALLOW)]).toEqual([401, false]);
      }
      const byForm = await app.form('/userinfo', { access_token: token }, undefined, { origin: ORIGIN });
      expect([byForm.status, byForm.headers.get(ALLOW)]).toEqual([401, ORIGIN]);
    });

    it('/userinfo, with a token that has expired, or not for openid', async () => {
      const { login } = await app.createAccount();
      const { access_token } = await app.signInTo(app.browser(), client, login);
      const narrow = await app.createClient({ redirect_uris: [REDIRECT_URI], scope: 'email' });
      const other = await app.signInTo(app.browser(), narrow, login, { scope: 'email' });
      const insufficient = await userinfo(`Bearer ${other.access_token}`, ORIGIN);
      expect([insufficient.status, insufficient.headers.get(ALLOW)]).toEqual([403, ORIGIN]);
      app.clock.advance(3_600_000);
      const expired = await userinfo(`Bearer ${access_token}`, ORIGIN);
      expect([expired.status, expired.headers.get(ALLOW)]).toEqual([401, ORIGIN]);
    });

    it.each<[string, () => Promise<string | undefined>]>([
      ['no token', async () => undefined],
      ['a token that is none', async () => 'Bearer nonsense'],
      ['a JWT that we never signed', async () => 'Bearer eyJhbGciOiJub25lIn0.e30.'],
      ['an opaque token that was revoked', async () => `Bearer ${await aToken({ access_token_format: 'opaque' })}`],
    ])('/userinfo, with %s: nothing names a client, so anybody may read that', async (_, authorization) => {
      const answer = await userinfo(await authorization(), 'https://anywhere.example');
      expect([answer.status, answer.headers.get(ALLOW)]).toEqual([401, 'https://anywhere.example']);
    });

    it.each<[string, Record<string, string>, number]>([
      ['a grant that is unknown', { grant_type: 'refresh_token', refresh_token: 'x' }, 400],
      ['no grant type', {}, 400],
      ['a parameter with a NUL', { grant_type: 'refresh_token', refresh_token: 'a\0b' }, 400],
      ['a secret that it has not', { grant_type: 'refresh_token', refresh_token: 'x', client_secret: 'y' }, 401],
    ])('/token and /revoke, a public client that sends %s', async (_, fields, status) => {
      const answer = await app.form('/token', { client_id: spa.clientId, ...fields }, undefined, { origin: ORIGIN });
      expect([answer.status, answer.headers.get(ALLOW)]).toEqual([status, ORIGIN]);
      const foreign = await app.form('/token', { client_id: spa.clientId, ...fields }, undefined, {
        origin: 'https://evil.example',
      });
      expect([foreign.status, foreign.headers.has(ALLOW)]).toEqual([status, false]);
      const revoke = await app.form('/revoke', { client_id: spa.clientId }, undefined, { origin: ORIGIN });
      expect([revoke.status, revoke.headers.get(ALLOW)]).toEqual([400, ORIGIN]);
    });

    it('a public client that was switched off reads that it was', async () => {
      const off = await app.createClient({ redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' });
      await app.json('POST', `/admin/v1/clients/${off.clientId}/disable`, { token: await app.adminToken() });
      const fields = { client_id: off.clientId, grant_type: 'refresh_token', refresh_token: 'x' };
      const answer = await app.form('/token', fields, undefined, { origin: ORIGIN });
      expect([answer.status, answer.headers.get(ALLOW)]).toEqual([401, ORIGIN]);
    });

    it('a body that is too large, and JSON', async () => {
      for (const [type, body] of [
        ['application/x-www-form-urlencoded', `client_id=${spa.clientId}&code=${'x'.repeat(70_000)}`],
        ['application/json', '{}'],
        ['application/json', '{"'],
      ] as const) {
        const answer = await fetch(`${app.issuer}/token`, {
          method: 'POST',
          body,
          headers: { origin: ORIGIN, 'content-type': type },
        });
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
        expect(answer.headers.get(ALLOW)).toBe(ORIGIN);
      }
    });
  });
});

describe('a tool in a browser registers itself', () => {
  const TOOL = 'https://tool.example';
  const METADATA = { redirect_uris: [`${TOOL}/callback`] };
  const TOKEN = 'an-initial-access-token';

  async function register(app: TestApp, body: unknown, headers: Record<string, string> = {}) {
    const answer = await fetch(`${app.issuer}/register`, {
      method: 'POST',
      headers: { origin: TOOL, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, string> };
  }

  it('reads its id, what was wrong, and its registration later, with open registration', async () => {
    const app = await TestApp.start({ registration: 'open' });
    const preflight = await fetch(`${app.issuer}/register`, {
      method: 'OPTIONS',
      headers: {
        origin: TOOL,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type, mcp-protocol-version',
      },
    });
    expect([preflight.status, preflight.headers.get(ALLOW)]).toEqual([204, TOOL]);
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST');
    expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('mcp-protocol-version');
    const done = await register(app, METADATA);
    expect([done.status, done.headers.get(ALLOW)]).toEqual([201, TOOL]);
    expect(done.headers.has('access-control-allow-credentials')).toBe(false);
    const wrong = await register(app, { redirect_uris: ['javascript:alert(1)'] });
    expect([wrong.status, wrong.headers.get(ALLOW)]).toEqual([400, TOOL]);
    const path = new URL(done.body.registration_client_uri ?? '').pathname;
    const read = await fetch(`${app.issuer}${path}`, {
      headers: { origin: TOOL, authorization: `Bearer ${done.body.registration_access_token}` },
    });
    expect([read.status, read.headers.get(ALLOW)]).toEqual([200, TOOL]);
    const refused = await fetch(`${app.issuer}${path}`, { headers: { origin: TOOL } });
    expect([refused.status, refused.headers.get(ALLOW)]).toEqual([401, TOOL]);
    await app.stop();
  });

  it('does so by a token where it needs one, and finds nothing where registration is off', async () => {
    const app = await TestApp.start({ registration: 'token', initialAccessToken: TOKEN });
    const without = await register(app, METADATA);
    expect([without.status, without.headers.get(ALLOW)]).toEqual([401, TOOL]);
    expect((await register(app, METADATA, { authorization: `Bearer ${TOKEN}` })).status).toBe(201);
    await app.stop();
    const off = await TestApp.start({ registration: 'off' });
    const answer = await register(off, METADATA);
    expect([answer.status, answer.headers.has(ALLOW)]).toEqual([404, false]);
    await off.stop();
  });
});
