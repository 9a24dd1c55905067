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
});
