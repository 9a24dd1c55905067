import { pkce, TestApp, type TestClient } from '../support/app.js';
import { MINUTE } from '../support/clock.js';
import { redeem, signOut, terminationsOf, tokenState } from './token-requests.js';

describe('code exchange (RFC 6749 §4.1.3)', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  async function aCode(client: TestClient, request: Record<string, string | undefined> = {}) {
    const account = await app.createAccount();
    const browser = app.browser();
    return { account, browser, code: await app.codeFor(browser, client, account.login, request) };
  }

  async function expectRefused(
    client: TestClient,
    code: string,
    overrides: Record<string, string | undefined>,
    error = 'invalid_grant',
  ) {
    const before = await tokenState(app);
    const answer = await redeem(app, client, code, overrides);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ error, error_description: expect.any(String) });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await tokenState(app)).toEqual(before);
  }

  it('answers with bearer, access, refresh and ID token, not to be stored (RFC 6749 §5.1)', async () => {
    const client = await app.createClient();
    const { code } = await aCode(client);
    const answer = await redeem(app, client, code);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('pragma')).toBe('no-cache');
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 600,
      scope: 'openid',
      refresh_token: expect.stringMatching(/^[\w-]{96}$/),
      id_token: expect.any(String),
    });
    expect(await app.isActive(client, String(answer.body.access_token))).toBe(true);
  });

  it('gives no refresh token to a client that is not registered for them', async () => {
    const client = await app.createClient({ grant_types: ['authorization_code'] });
    const { code } = await aCode(client);
    const { status, body } = await redeem(app, client, code);
    expect(status).toBe(200);
    expect(body).not.toHaveProperty('refresh_token');
  });

  it('keeps no code and no refresh token in a readable form', async () => {
    const client = await app.createClient();
    const { code } = await aCode(client);
    const { body } = await redeem(app, client, code);
    const dump = await app.db.query('SELECT to_json(g)::text AS row FROM grants g');
    for (const secret of [code, String(body.refresh_token)]) {
      expect(JSON.stringify(dump)).not.toContain(secret);
      expect(JSON.stringify(dump)).not.toContain(Buffer.from(secret).toString('hex'));
    }
  });

  describe('PKCE (RFC 7636 §4.6)', () => {
    it('takes the verifier that fits the challenge', async () => {
      const client = await app.createClient();
      const { verifier, challenge } = pkce();
      const { code } = await aCode(client, { code_challenge: challenge, code_challenge_method: 'S256' });
      expect((await redeem(app, client, code, { code_verifier: verifier })).status).toBe(200);
    });

    it.each([
      ['another verifier', () => pkce().verifier, 'invalid_grant'],
      ['no verifier', () => undefined, 'invalid_grant'],
      ['the challenge in place of the verifier', (challenge: string) => challenge, 'invalid_grant'],
      ['a verifier of 42 characters', () => 'a'.repeat(42), 'invalid_request'],
      ['a verifier of 129 characters', () => 'a'.repeat(129), 'invalid_request'],
      ['a verifier with a character outside of the alphabet', () => `${'a'.repeat(43)}+`, 'invalid_request'],
    ])('refuses %s, and the right one still works afterwards', async (_what, verifierFor, error) => {
      const client = await app.createClient();
      const { verifier, challenge } = pkce();
      const { code } = await aCode(client, { code_challenge: challenge, code_challenge_method: 'S256' });
      await expectRefused(client, code, { code_verifier: verifierFor(challenge) }, error);
      expect((await redeem(app, client, code, { code_verifier: verifier })).status).toBe(200);
    });

    it('PKCE downgrade: refuses a verifier where the request had no challenge (RFC 9700 §4.8.2)', async () => {
      const client = await app.createClient();
      const { code } = await aCode(client);
      await expectRefused(client, code, { code_verifier: pkce().verifier });
    });

    it('lets a public client redeem with its id and the verifier', async () => {
      const client = await app.createClient({ token_endpoint_auth_method: 'none' });
      const { verifier, challenge } = pkce();
      const { code } = await aCode(client, { code_challenge: challenge, code_challenge_method: 'S256' });
      await expectRefused(client, code, { client_id: client.clientId });
      expect((await redeem(app, client, code, { client_id: client.clientId, code_verifier: verifier })).status).toBe(
        200,
      );
    });
  });

  describe('redirect_uri', () => {
    it.each([
      ['missing', undefined],
      ['another registered one', 'http://127.0.0.1:9/other'],
      ['the same with a slash more', 'http://127.0.0.1:9/callback/'],
      ['the same with an upper-case letter (threat-model#redirect-in-another-case)', 'http://127.0.0.1:9/Callback'],
      ['empty', ''],
    ])('refuses a request where it is %s', async (_what, redirectUri) => {
      const client = await app.createClient({
        redirect_uris: ['http://127.0.0.1:9/callback', 'http://127.0.0.1:9/other'],
      });
      const { code } = await aCode(client);
      await expectRefused(client, code, { redirect_uri: redirectUri });
      expect((await redeem(app, client, code)).status).toBe(200);
    });
  });

  it('stolen code: another client cannot redeem it, nor kill it by trying', async () => {
    const [client, thief] = await Promise.all([app.createClient(), app.createClient()]);
    const { code } = await aCode(client);
    await expectRefused(thief, code, {});
    const { status, body } = await redeem(app, client, code);
    expect(status).toBe(200);
    await expectRefused(thief, code, {});
    expect(await app.isActive(client, String(body.access_token))).toBe(true);
  });

  it('refuses an unknown code, and none at all', async () => {
    const client = await app.createClient();
    await expectRefused(client, 'x'.repeat(43), {});
    await expectRefused(client, 'x', { code: undefined }, 'invalid_request');
  });

  it('refuses a code that has expired', async () => {
    const client = await app.createClient();
    const { code } = await aCode(client);
    app.clock.advance(MINUTE);
    await expectRefused(client, code, {});
  });

  it('refuses a code whose session was signed out before it was redeemed, and records no reuse', async () => {
    const client = await app.createClient();
    const { account, browser, code } = await aCode(client);
    await signOut(browser);
    await expectRefused(client, code, {});
    expect((await terminationsOf(app, account.id)).map(({ cause }) => cause)).toEqual(['end_session']);
  });

  it('refuses a code whose session was signed out, also for offline_access', async () => {
    const client = await app.createClient();
    const { browser, code } = await aCode(client, { scope: 'openid offline_access', prompt: 'consent' });
    await signOut(browser);
    await expectRefused(client, code, {});
  });

  it('refuses a code whose account was disabled meanwhile', async () => {
    const client = await app.createClient();
    const { account, code } = await aCode(client);
    const { status } = await app.json('POST', `/admin/v1/accounts/${account.id}/disable`, {
      token: await app.adminToken(),
    });
    expect(status).toBe(200);
    await expectRefused(client, code, {});
  });

  it('refuses a client that is not registered for the code grant (RFC 6749 §5.2)', async () => {
    const client = await app.createClient({ grant_types: ['client_credentials'], redirect_uris: [], scope: 'reports' });
    await expectRefused(client, 'x'.repeat(43), { redirect_uri: undefined }, 'unauthorized_client');
  });
});
