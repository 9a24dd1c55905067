import { TestApp, type TestClient, type Tokens } from '../support/app.js';
import { DAY, MINUTE } from '../support/clock.js';
import { claimsOf, signOut } from '../tokens/token-requests.js';

describe('introspection (RFC 7662)', () => {
  let app: TestApp;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient();
  });
  afterAll(() => app.stop());

  async function signedIn(of = client, request: Record<string, string> = {}) {
    const account = await app.createAccount();
    const browser = app.browser();
    return { account, browser, tokens: await app.signInTo(browser, of, account.login, request) };
  }

  const ask = (by: TestClient, token: string, fields: Record<string, string> = {}) =>
    app.form('/introspect', { token, ...fields }, by);

  async function expectInactive(by: TestClient, token: string): Promise<void> {
    const answer = await ask(by, token);
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('{"active":false}');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  }

  it('describes an access token to its client (§2.2)', async () => {
    const { account, tokens } = await signedIn(client, { scope: 'openid email' });
    const claims = claimsOf(tokens.access_token);
    const answer = await ask(client, tokens.access_token);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toEqual({
      active: true,
      iss: app.issuer,
      sub: account.id,
      aud: app.issuer,
      client_id: client.clientId,
      scope: 'openid email',
      token_type: 'Bearer',
      iat: app.clock.seconds(),
      exp: app.clock.seconds() + 600,
      jti: claims.jti,
      username: account.login,
      sid: claimsOf(tokens.id_token).sid,
      auth_time: app.clock.seconds(),
    });
  });

  it('describes a refresh token to its client, and is not misled by a hint', async () => {
    const { account, tokens } = await signedIn();
    expect((await ask(client, tokens.refresh_token, { token_type_hint: 'access_token' })).body).toEqual({
      active: true,
      iss: app.issuer,
      sub: account.id,
      client_id: client.clientId,
      scope: 'openid',
      exp: app.clock.seconds() + (30 * DAY) / 1000,
      sid: claimsOf(tokens.id_token).sid,
    });
  });

  describe('an inactive token is told about in no further word (§2.2)', () => {
    it.each<[string, (tokens: Tokens) => string]>([
      ['unknown', () => 'x'.repeat(43)],
      ['no token at all', () => 'a.b.c'],
      ['an ID token (threat-model#token-confusion)', (tokens) => tokens.id_token],
      ['with a broken signature', (tokens) => `${tokens.access_token.slice(0, -8)}AAAAAAAA`],
      [
        'with its algorithm set to none',
        (tokens) => `eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.${tokens.access_token.split('.')[1]}.`,
      ],
    ])('%s', async (_what, tokenOf) => {
      await expectInactive(client, tokenOf((await signedIn()).tokens));
    });

    it('expired', async () => {
      const { tokens } = await signedIn();
      app.clock.advance(10 * MINUTE);
      await expectInactive(client, tokens.access_token);
      app.clock.advance(30 * DAY);
      await expectInactive(client, tokens.refresh_token);
    });

    it('used', async () => {
      const { tokens } = await signedIn();
      await app.refresh(client, tokens.refresh_token);
      await expectInactive(client, tokens.refresh_token);
    });

    it('revoked', async () => {
      const { tokens } = await signedIn();
      await app.form('/revoke', { token: tokens.access_token }, client);
      await expectInactive(client, tokens.access_token);
      await app.form('/revoke', { token: tokens.refresh_token }, client);
      await expectInactive(client, tokens.refresh_token);
    });

    it('of a session that was signed out', async () => {
      const { browser, tokens } = await signedIn();
      await signOut(browser);
      await expectInactive(client, tokens.access_token);
      await expectInactive(client, tokens.refresh_token);
    });

    it('of an account that was disabled', async () => {
      const { account, tokens } = await signedIn(client, { scope: 'openid offline_access', prompt: 'consent' });
      await app.json('POST', `/admin/v1/accounts/${account.id}/disable`, { token: await app.adminToken() });
      await expectInactive(client, tokens.access_token);
      await expectInactive(client, tokens.refresh_token);
    });

    it('of a client that was deleted', async () => {
      const gone = await app.createClient();
      const server = await app.createClient({ resource_server: true });
      const { tokens } = await signedIn(gone);
      expect(await app.isActive(server, tokens.access_token)).toBe(true);
      await app.json('DELETE', `/admin/v1/clients/${gone.clientId}`, { token: await app.adminToken() });
      await expectInactive(server, tokens.access_token);
    });
  });

  describe('who may ask (§2.1, §4; threat-model#introspection-by-others: a token that is not meant for the caller)', () => {
    const API = 'https://api.example.com';

    it.each<[string, readonly string[], Record<string, unknown>, boolean]>([
      ['another client', [], {}, false],
      ['another client that an audience names, without the switch', [API], { audience: [API] }, false],
      ['a resource server, the audience being the default one', [], { resource_server: true }, true],
      ['a resource server that the audience names', [API], { resource_server: true, audience: [API] }, true],
      [
        'a resource server that the second audience names',
        ['https://x.example', API],
        { resource_server: true, audience: [API] },
        true,
      ],
      [
        'a resource server that the audience does not name',
        [API],
        { resource_server: true, audience: ['https://x.example'] },
        false,
      ],
      ['a resource server without an audience of its own', [API], { resource_server: true }, false],
    ])('%s', async (_who, audience, metadata, active) => {
      const issuedTo = await app.createClient({ audience });
      const caller = await app.createClient(metadata);
      const { tokens } = await signedIn(issuedTo);
      expect(await app.isActive(issuedTo, tokens.access_token)).toBe(true);
      if (active) expect(await app.isActive(caller, tokens.access_token)).toBe(true);
      else await expectInactive(caller, tokens.access_token);
    });

    it('a refresh token is told about to its own client alone', async () => {
      const { tokens } = await signedIn();
      await expectInactive(await app.createClient({ resource_server: true }), tokens.refresh_token);
      expect(await app.isActive(client, tokens.refresh_token)).toBe(true);
    });

    it('a public client proves nothing, so it learns nothing', async () => {
      const spa = await app.createClient({ token_endpoint_auth_method: 'none', resource_server: true });
      const { tokens } = await signedIn();
      const answer = await app.form('/introspect', { token: tokens.access_token, client_id: spa.clientId });
      expect(answer.text).toBe('{"active":false}');
    });

    it('an unknown caller gets 401 and no word about the token (§2.3)', async () => {
      const { tokens } = await signedIn();
      const answer = await ask({ ...client, clientSecret: 'wrong' }, tokens.access_token);
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({ error: 'invalid_client', error_description: expect.any(String) });
    });

    it('a client that is not registered as a resource server by an administrator is none', async () => {
      const { body } = await app.json('POST', '/register', {
        token: await app.adminToken(),
        body: { redirect_uris: ['https://a.example/cb'], resource_server: true, audience: [app.issuer] },
      });
      const caller = { clientId: String(body.client_id), clientSecret: String(body.client_secret), redirectUri: '' };
      const { tokens } = await signedIn();
      await expectInactive(caller, tokens.access_token);
    });
  });
});
