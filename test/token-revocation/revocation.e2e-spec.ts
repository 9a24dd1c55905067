import { pkce, TestApp, type TestClient, type Tokens } from '../support/app.js';
import { MINUTE } from '../support/clock.js';
import { terminationsOf, tokenState } from '../tokens/token-requests.js';

describe('revocation (RFC 7009)', () => {
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

  async function revoke(token: string, by: TestClient = client, fields: Record<string, string> = {}) {
    const answer = await app.form('/revoke', { token, ...fields }, by.clientSecret === '' ? undefined : by);
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  }

  it('a refresh token takes its whole grant along (§2.1)', async () => {
    const { account, browser, tokens } = await signedIn();
    const second = (await app.refresh(client, tokens.refresh_token)).body as unknown as Tokens;
    await revoke(second.refresh_token);
    for (const token of [tokens.access_token, second.access_token, second.refresh_token]) {
      expect(await app.isActive(client, token)).toBe(false);
    }
    expect((await app.refresh(client, second.refresh_token)).body.error).toBe('invalid_grant');
    expect((await app.json('GET', '/userinfo', { token: second.access_token })).status).toBe(401);
    // The person did not sign out: neither the session nor anything else of theirs ends.
    expect((await browser.get(app.authorizeUrl(client, { prompt: 'none' }))).query.get('code')).not.toBeNull();
    expect(await terminationsOf(app, account.id)).toEqual([]);
  });

  it('so does a refresh token that was rotated away, and one of offline access', async () => {
    const { tokens } = await signedIn(client, { scope: 'openid offline_access', prompt: 'consent' });
    const second = (await app.refresh(client, tokens.refresh_token)).body;
    await revoke(tokens.refresh_token);
    expect(await app.isActive(client, String(second.access_token))).toBe(false);
    expect((await app.refresh(client, String(second.refresh_token))).body.error).toBe('invalid_grant');
  });

  it('leaves the other grants of the same client and person alone', async () => {
    const { account, browser, tokens } = await signedIn();
    const other = await app.signInTo(browser, client, account.login);
    await revoke(tokens.refresh_token);
    expect(await app.isActive(client, other.access_token)).toBe(true);
    expect((await app.refresh(client, other.refresh_token)).status).toBe(200);
  });

  it('an access token goes alone, and the refresh token stays (§2.1)', async () => {
    const { tokens } = await signedIn();
    await revoke(tokens.access_token);
    expect(await app.isActive(client, tokens.access_token)).toBe(false);
    expect((await app.json('GET', '/userinfo', { token: tokens.access_token })).status).toBe(401);
    const { status, body } = await app.refresh(client, tokens.refresh_token);
    expect(status).toBe(200);
    expect(await app.isActive(client, String(body.access_token))).toBe(true);
  });

  it.each<[string, (tokens: Tokens) => string, string]>([
    ['a refresh token called an access token', (tokens) => tokens.refresh_token, 'access_token'],
    ['an access token called a refresh token', (tokens) => tokens.access_token, 'refresh_token'],
    ['a token called something unheard of', (tokens) => tokens.access_token, 'pct_token'],
  ])('finds %s (§2.1: a hint is only a hint)', async (_what, tokenOf, hint) => {
    const { tokens } = await signedIn();
    await revoke(tokenOf(tokens), client, { token_type_hint: hint });
    expect(await app.isActive(client, tokenOf(tokens))).toBe(false);
  });

  it.each<[string, (tokens: Tokens) => string]>([
    ['an unknown token', () => 'x'.repeat(43)],
    ['something that looks like a JWT', () => 'a.b.c'],
    ['an ID token', (tokens) => tokens.id_token],
    ['an access token with a broken signature', (tokens) => `${tokens.access_token.slice(0, -8)}AAAAAAAA`],
  ])('answers 200 to %s and changes nothing (§2.2)', async (_what, tokenOf) => {
    const { tokens } = await signedIn();
    const before = await tokenState(app);
    await revoke(tokenOf(tokens));
    expect(await tokenState(app)).toEqual(before);
    expect(await app.isActive(client, tokens.access_token)).toBe(true);
  });

  it.each(['refresh_token', 'access_token'] as const)(
    'foreign token: answers 200 to the %s of another client, leaves it alone and tells nothing (§2.1)',
    async (kind) => {
      const thief = await app.createClient();
      const { tokens } = await signedIn();
      const before = await tokenState(app);
      await revoke(tokens[kind], thief);
      expect(await tokenState(app)).toEqual(before);
      expect(await app.isActive(client, tokens.access_token)).toBe(true);
      expect((await app.refresh(client, tokens.refresh_token)).status).toBe(200);
    },
  );

  it('can be repeated', async () => {
    const { tokens } = await signedIn();
    await revoke(tokens.refresh_token);
    await revoke(tokens.refresh_token);
    await revoke(tokens.access_token);
    expect(await app.isActive(client, tokens.access_token)).toBe(false);
  });

  it('writes nothing for an access token that has expired anyway', async () => {
    const { tokens } = await signedIn();
    app.clock.advance(10 * MINUTE);
    const before = await tokenState(app);
    await revoke(tokens.access_token);
    expect(await tokenState(app)).toEqual(before);
  });

  it('a public client revokes its own tokens by its id', async () => {
    const spa = await app.createClient({ token_endpoint_auth_method: 'none' });
    const { login } = await app.createAccount();
    const { verifier, challenge } = pkce();
    const code = await app.codeFor(app.browser(), spa, login, {
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    const { body } = await app.form('/token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: spa.redirectUri,
      client_id: spa.clientId,
      code_verifier: verifier,
    });
    await revoke(String(body.refresh_token), spa, { client_id: spa.clientId });
    const again = await app.form('/token', {
      grant_type: 'refresh_token',
      refresh_token: String(body.refresh_token),
      client_id: spa.clientId,
    });
    expect(again.body.error).toBe('invalid_grant');
  });

  it("a client's own token goes too", async () => {
    const machine = await app.createClient({
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'reports',
    });
    const { body } = await app.form('/token', { grant_type: 'client_credentials' }, machine);
    await revoke(String(body.access_token), machine);
    expect(await app.isActive(machine, String(body.access_token))).toBe(false);
  });

  it('refuses a client that does not prove who it is (§2.1)', async () => {
    const { tokens } = await signedIn();
    const before = await tokenState(app);
    const answer = await app.form('/revoke', { token: tokens.refresh_token }, { ...client, clientSecret: 'wrong' });
    expect(answer.status).toBe(401);
    expect(answer.body.error).toBe('invalid_client');
    expect(await tokenState(app)).toEqual(before);
  });
});
