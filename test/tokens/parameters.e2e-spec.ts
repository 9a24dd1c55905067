import { basic, TestApp, type TestClient } from '../support/app.js';
import { postRaw, tokenState } from './token-requests.js';

describe('parameters of /token, /revoke and /introspect (RFC 6749 §3.2)', () => {
  let app: TestApp;
  let client: TestClient;
  let authorization: string;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient({
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      scope: 'openid reports',
    });
    authorization = basic(client);
  });
  afterAll(() => app.stop());

  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    postRaw(app, path, body, { authorization, ...headers });

  async function expectRefused(path: string, body: string, error: string, headers: Record<string, string> = {}) {
    const before = await tokenState(app);
    const answer = await post(path, body, headers);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ error, error_description: expect.any(String) });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await tokenState(app)).toEqual(before);
    return String(answer.body.error_description);
  }

  it.each([
    ['/token', 'grant_type=client_credentials&grant_type=client_credentials', 'grant_type'],
    ['/token', 'grant_type=client_credentials&scope=reports&scope=reports', 'scope'],
    ['/token', 'grant_type=authorization_code&code=a&code=a', 'code'],
    ['/token', 'grant_type=authorization_code&code=a&redirect_uri=b&redirect_uri=b', 'redirect_uri'],
    ['/token', 'grant_type=refresh_token&refresh_token=a&refresh_token=b', 'refresh_token'],
    ['/token', 'grant_type=client_credentials&client_id=a&client_id=a', 'client_id'],
    ['/revoke', 'token=a&token=b', 'token'],
    ['/introspect', 'token=a&token=a', 'token'],
  ])('%s refuses a parameter sent twice: %s', async (path, body, name) => {
    expect(await expectRefused(path, body, 'invalid_request')).toMatch(new RegExp(`^${name} `));
  });

  it.each([
    ['/token', 'grant_type=', 'grant_type'],
    ['/token', 'grant_type=refresh_token&refresh_token=', 'refresh_token'],
    ['/token', 'grant_type=authorization_code&code=', 'code'],
    ['/revoke', 'token=', 'token'],
    ['/introspect', '', 'token'],
  ])('%s takes a parameter without a value as not sent: %j', async (path, body, name) => {
    expect(await expectRefused(path, body, 'invalid_request')).toContain(name);
  });

  it('an empty optional parameter is as good as none', async () => {
    const { status, body } = await post('/token', 'grant_type=client_credentials&scope=&code_verifier=');
    expect(status).toBe(200);
    expect(body.scope).toBe('reports');
  });

  it.each(['password', 'implicit', 'urn:ietf:params:oauth:grant-type:device_code', 'constructor'])(
    'refuses the grant type %s (RFC 9700 §2.4)',
    async (grantType) => {
      await expectRefused(
        '/token',
        `grant_type=${encodeURIComponent(grantType)}&username=a&password=b`,
        'unsupported_grant_type',
      );
    },
  );

  it('ignores parameters that it does not know', async () => {
    const { status } = await post('/token', 'grant_type=client_credentials&resource_owner=x&__proto__=y&a[b]=c');
    expect(status).toBe(200);
  });

  it.each(['/token', '/revoke', '/introspect'])('%s refuses a body that is not a form', async (path) => {
    const json = JSON.stringify({ grant_type: 'client_credentials', token: 'x' });
    expect(await expectRefused(path, json, 'invalid_request', { 'content-type': 'application/json' })).toContain(
      'application/x-www-form-urlencoded',
    );
    await expectRefused(path, 'grant_type=client_credentials&token=x', 'invalid_request', {
      'content-type': 'text/plain',
    });
  });

  it('takes a form whose type names its charset', async () => {
    const { status } = await post('/token', 'grant_type=client_credentials', {
      'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
    });
    expect(status).toBe(200);
  });

  it.each([
    ['redirect_uri', 'grant_type=authorization_code&code=a&redirect_uri=http%3A%2F%2Fa%00'],
    ['scope', 'grant_type=refresh_token&refresh_token=a&scope=openid%00'],
  ])('refuses a NUL in %s as the sender’s mistake, not as a failure of ours', async (_name, body) => {
    const before = await tokenState(app);
    const answer = await post('/token', body);
    expect(answer.status).toBe(400);
    expect(await tokenState(app)).toEqual(before);
  });

  it('refuses a body beyond the limit', async () => {
    expect((await post('/token', `grant_type=client_credentials&x=${'a'.repeat(70_000)}`)).status).toBe(413);
  });

  it.each(['/token', '/revoke', '/introspect'])('%s has no GET', async (path) => {
    const answer = await app.json('GET', `${path}?grant_type=client_credentials&token=x`);
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toContain('POST');
  });

  it('reads no credentials and no parameters from the query', async () => {
    const credentials = new URLSearchParams({ client_id: client.clientId, client_secret: client.clientSecret });
    expect((await postRaw(app, `/token?${credentials}`, 'grant_type=client_credentials')).status).toBe(401);
    await expectRefused('/token?grant_type=client_credentials', '', 'invalid_request');
  });
});
