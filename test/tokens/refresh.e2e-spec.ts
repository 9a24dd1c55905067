import { TestApp, type TestClient, type Tokens } from '../support/app.js';
import { DAY, HOUR } from '../support/clock.js';
import { claimsOf, signOut, tokenState } from './token-requests.js';

describe('refresh (RFC 6749 §6)', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  async function signedIn(client: TestClient, request: Record<string, string> = {}) {
    const account = await app.createAccount();
    const browser = app.browser();
    return { account, browser, tokens: await app.signInTo(browser, client, account.login, request) };
  }

  async function expectRefused(
    client: TestClient,
    refreshToken: string,
    fields: Record<string, string> = {},
    error = 'invalid_grant',
  ) {
    const before = await tokenState(app);
    const answer = await app.refresh(client, refreshToken, fields);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ error, error_description: expect.any(String) });
    expect(await tokenState(app)).toEqual(before);
  }

  const refreshed = async (client: TestClient, token: string, fields: Record<string, string> = {}): Promise<Tokens> => {
    const { status, body } = await app.refresh(client, token, fields);
    expect(status).toBe(200);
    return body as unknown as Tokens;
  };

  it('rotates: the successor works, and its successor', async () => {
    const client = await app.createClient();
    const { tokens } = await signedIn(client);
    const second = await refreshed(client, tokens.refresh_token);
    const third = await refreshed(client, second.refresh_token);
    expect(new Set([tokens.refresh_token, second.refresh_token, third.refresh_token]).size).toBe(3);
    expect(new Set([tokens.access_token, second.access_token, third.access_token]).size).toBe(3);
    expect(await app.isActive(client, third.access_token)).toBe(true);
    expect(await app.isActive(client, tokens.access_token)).toBe(true);
  });

  it('keeps no successor in a readable form', async () => {
    const client = await app.createClient();
    const { tokens } = await signedIn(client);
    const second = await refreshed(client, tokens.refresh_token);
    const dump = JSON.stringify(await app.db.query('SELECT to_json(g)::text AS row FROM grants g'));
    expect(dump).not.toContain(second.refresh_token);
    expect(dump).not.toContain(Buffer.from(second.refresh_token, 'base64url').toString('hex'));
  });

  describe('scope', () => {
    it('narrows the access token and not the grant', async () => {
      const client = await app.createClient();
      const { tokens } = await signedIn(client, { scope: 'openid email profile' });
      const narrowed = await refreshed(client, tokens.refresh_token, { scope: 'openid email' });
      expect(narrowed.scope).toBe('openid email');
      expect(claimsOf(narrowed.access_token).scope).toBe('openid email');
      expect((await refreshed(client, narrowed.refresh_token)).scope).toBe('openid email profile');
    });

    it.each(['openid profile', 'openid email phone', 'exeunt:admin'])(
      'refuses %j, which exceeds what was granted, and does not use the token',
      async (scope) => {
        const client = await app.createClient();
        const { tokens } = await signedIn(client, { scope: 'openid email' });
        await expectRefused(client, tokens.refresh_token, { scope }, 'invalid_scope');
        await refreshed(client, tokens.refresh_token);
      },
    );
  });

  it("token of another client: it is refused, and the owner's stays as it was (threat-model#reuse-race)", async () => {
    const [client, thief] = await Promise.all([app.createClient(), app.createClient()]);
    const { tokens } = await signedIn(client);
    await expectRefused(thief, tokens.refresh_token);
    const second = await refreshed(client, tokens.refresh_token);
    await expectRefused(thief, tokens.refresh_token);
    await expectRefused(thief, second.refresh_token);
    await refreshed(client, second.refresh_token);
  });

  it.each(['unknown', 'x'.repeat(43)])('refuses the unknown token %j', async (token) => {
    await expectRefused(await app.createClient(), token);
  });

  it('refuses an access token and an ID token in its place', async () => {
    const client = await app.createClient();
    const { tokens } = await signedIn(client);
    await expectRefused(client, tokens.access_token.slice(0, 500));
    await expectRefused(client, tokens.id_token.slice(0, 500));
  });

  it('refuses a client that is not registered for refresh tokens', async () => {
    const client = await app.createClient({ grant_types: ['authorization_code'] });
    await expectRefused(client, 'x'.repeat(43), {}, 'unauthorized_client');
  });

  it('refuses a token that has expired', async () => {
    const client = await app.createClient();
    const { tokens } = await signedIn(client, { scope: 'openid offline_access', prompt: 'consent' });
    app.clock.advance(30 * DAY);
    await expectRefused(client, tokens.refresh_token);
  });

  describe('and the session', () => {
    it('ends with a logout', async () => {
      const client = await app.createClient();
      const { browser, tokens } = await signedIn(client);
      await signOut(browser);
      await expectRefused(client, tokens.refresh_token);
      expect(await app.isActive(client, tokens.access_token)).toBe(false);
    });

    it('outlives a logout with offline_access (Back-Channel Logout 1.0 §2.7)', async () => {
      const client = await app.createClient();
      const { browser, tokens } = await signedIn(client, { scope: 'openid offline_access', prompt: 'consent' });
      await signOut(browser);
      expect(await app.isActive(client, tokens.access_token)).toBe(true);
      const after = await refreshed(client, tokens.refresh_token);
      expect(claimsOf(after.id_token).sid).toBe(claimsOf(tokens.id_token).sid);
    });

    it.each([
      ['idle for two days', 2 * DAY],
      ['fourteen days old', 14 * DAY],
    ])('ends when the session is %s', async (_what, age) => {
      const client = await app.createClient();
      const { tokens } = await signedIn(client);
      const offline = await signedIn(client, { scope: 'openid offline_access', prompt: 'consent' });
      app.clock.advance(age);
      await expectRefused(client, tokens.refresh_token);
      await refreshed(client, offline.tokens.refresh_token);
    });

    it.each(['disable', 'password'])('ends, offline too, when the account gets: %s', async (action) => {
      const client = await app.createClient();
      const { account, tokens } = await signedIn(client, { scope: 'openid offline_access', prompt: 'consent' });
      app.clock.advance(HOUR);
      const [method, path, body] =
        action === 'disable'
          ? ['POST', 'disable', undefined]
          : ['PUT', 'password', { password: 'another correct horse' }];
      const answer = await app.json(method, `/admin/v1/accounts/${account.id}/${path}`, {
        token: await app.adminToken(),
        body,
      });
      expect(answer.status).toBeLessThan(300);
      await expectRefused(client, tokens.refresh_token);
      expect(await app.isActive(client, tokens.access_token)).toBe(false);
    });
  });
});
