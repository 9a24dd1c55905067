import { TestApp, type TestClient } from '../support/app.js';
import { MINUTE } from '../support/clock.js';
import { signOut } from './token-requests.js';

describe('opaque access tokens, by the client’s setting', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  async function signedIn(request: Record<string, string> = {}) {
    const client = await app.createClient({ access_token_format: 'opaque', scope: 'openid email offline_access' });
    const account = await app.createAccount();
    const browser = app.browser();
    return {
      client,
      account,
      browser,
      tokens: await app.signInTo(browser, client, account.login, { scope: 'openid email', ...request }),
    };
  }

  const described = async (client: TestClient, token: unknown) =>
    (await app.form('/introspect', { token: String(token) }, client)).body;

  it('say nothing by themselves, and introspection and userinfo tell what a JWT would', async () => {
    const { client, account, tokens } = await signedIn();
    expect(tokens.access_token).toMatch(/^[\w-]{59}$/);
    expect(await described(client, tokens.access_token)).toMatchObject({
      active: true,
      sub: account.id,
      client_id: client.clientId,
      scope: 'openid email',
      aud: app.issuer,
      token_type: 'Bearer',
      sid: expect.any(String),
      exp: app.clock.seconds() + 600,
      iat: app.clock.seconds(),
    });
    const userinfo = await app.json('GET', '/userinfo', { token: tokens.access_token });
    expect(userinfo.body).toMatchObject({ sub: account.id, email: account.login });
    const dump = JSON.stringify(await app.db.query('SELECT to_json(o)::text AS row FROM opaque_access_tokens o'));
    expect(dump).not.toContain(tokens.access_token);
  });

  it('come with a refresh and a repeat of it, narrowed as asked', async () => {
    const { client, tokens } = await signedIn();
    for (const _again of ['first', 'repeat']) {
      const { body } = await app.refresh(client, tokens.refresh_token, { scope: 'openid' });
      expect(await described(client, body.access_token)).toMatchObject({ active: true, scope: 'openid' });
    }
  });

  it('come with client_credentials', async () => {
    const client = await app.createClient({
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'reports',
      access_token_format: 'opaque',
    });
    const { body } = await app.form('/token', { grant_type: 'client_credentials' }, client);
    expect(await described(client, body.access_token)).toMatchObject({
      active: true,
      sub: client.clientId,
      scope: 'reports',
    });
    await app.form('/revoke', { token: String(body.access_token) }, client);
    expect(await described(client, body.access_token)).toEqual({ active: false });
  });

  it('expire', async () => {
    const { client, tokens } = await signedIn();
    app.clock.advance(10 * MINUTE);
    expect(await described(client, tokens.access_token)).toEqual({ active: false });
  });

  it('die with a logout, and with their grant', async () => {
    const ended = await signedIn();
    await signOut(ended.browser);
    expect(await described(ended.client, ended.tokens.access_token)).toEqual({ active: false });
    const revoked = await signedIn({ scope: 'openid offline_access', prompt: 'consent' });
    await app.form('/revoke', { token: revoked.tokens.refresh_token }, revoked.client);
    expect(await described(revoked.client, revoked.tokens.access_token)).toEqual({ active: false });
  });

  it('are revoked alone, by their own client only', async () => {
    const { client, tokens } = await signedIn();
    const thief = await app.createClient();
    expect((await app.form('/revoke', { token: tokens.access_token }, thief)).status).toBe(200);
    expect(await app.isActive(client, tokens.access_token)).toBe(true);
    expect((await app.form('/revoke', { token: tokens.access_token }, client)).status).toBe(200);
    expect(await app.isActive(client, tokens.access_token)).toBe(false);
    expect((await app.refresh(client, tokens.refresh_token)).status).toBe(200);
  });
});
