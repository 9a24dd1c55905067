import { createRemoteJWKSet, jwtVerify } from 'jose';
import { PASSWORD, TestApp, type Answer, type TestClient, type Tokens } from '../support/app.js';
import { MINUTE, SECOND } from '../support/clock.js';
import { claimsOf, signOut } from './token-requests.js';

const CLAIMS = {
  name: 'Mia Example',
  given_name: 'Mia',
  phone_number: '+49 30 1',
  phone_number_verified: false,
  address: { country: 'DE' },
  email_verified: true,
};

describe('userinfo (OpenID Connect Core 1.0 §5.3)', () => {
  let app: TestApp;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient({ scope: 'openid profile email phone address reports' });
  });
  afterAll(() => app.stop());

  async function signedIn(request: Record<string, string> = {}) {
    const account = await app.createAccount(undefined, CLAIMS);
    const browser = app.browser();
    return { account, browser, tokens: await app.signInTo(browser, client, account.login, request) };
  }

  const ask = (token: string): Promise<Answer> => app.json('GET', '/userinfo', { token });

  function expectChallenge(answer: Answer, status: number, challenge: RegExp): void {
    expect(answer.status).toBe(status);
    expect(answer.headers.get('www-authenticate')).toMatch(challenge);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  }

  it('answers to the header by GET and POST and to the form body, and is not stored (RFC 6750 §2)', async () => {
    const { account, tokens } = await signedIn();
    const byPost = await app.json('POST', '/userinfo', { token: tokens.access_token });
    const byBody = await app.form('/userinfo', { access_token: tokens.access_token });
    for (const answer of [await ask(tokens.access_token), byPost, byBody]) {
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({ sub: account.id });
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  it.each<[string, Record<string, unknown>]>([
    ['openid', {}],
    [
      'openid profile',
      {
        name: 'Mia Example',
        given_name: 'Mia',
        preferred_username: expect.any(String),
        updated_at: expect.any(Number),
      },
    ],
    ['openid email', { email: expect.any(String), email_verified: true }],
    ['openid phone', { phone_number: '+49 30 1', phone_number_verified: false }],
    ['openid address', { address: { country: 'DE' } }],
  ])('tells for the scope %j its claims and no others (§5.4)', async (scope, expected) => {
    const { account, tokens } = await signedIn({ scope });
    expect((await ask(tokens.access_token)).body).toEqual({ sub: account.id, ...expected });
  });

  describe('updated_at (Core §5.1)', () => {
    const profileOf = async (tokens: Tokens) => (await ask(tokens.access_token)).body;
    const change = async (method: string, path: string, body: object) =>
      expect(
        (await app.json(method, `/admin/v1/accounts/${path}`, { token: await app.adminToken(), body })).status,
      ).toBe(200);

    it('is the second in which the claims changed, and a password or a role is none of them', async () => {
      const created = app.clock.seconds();
      const { account, tokens } = await signedIn({ scope: 'openid profile' });
      app.clock.advance(30 * SECOND);
      await change('PUT', `${account.id}/roles`, { roles: ['operator'] });
      await change('PATCH', account.id, { claims: { ...CLAIMS, name: 'Mia Example', email: account.login } });
      expect((await profileOf(tokens)).updated_at).toBe(created);
      await change('PATCH', account.id, { claims: { name: 'Mia Other' } });
      expect(await profileOf(tokens)).toMatchObject({ name: 'Mia Other', updated_at: created + 30 });
      app.clock.advance(30 * SECOND);
      await change('PUT', `${account.id}/password`, { password: PASSWORD });
      app.clock.advance(SECOND);
      const again = await app.signInTo(app.browser(), client, account.login, { scope: 'openid profile' });
      expect((await profileOf(again)).updated_at).toBe(created + 30);
    });

    it('is a number in an ID token too, also after a refresh, and with an opaque access token', async () => {
      const opaque = await app.createClient({ access_token_format: 'opaque' });
      const account = await app.createAccount();
      const at = app.clock.seconds();
      const claims = JSON.stringify({ userinfo: { updated_at: null }, id_token: { updated_at: null } });
      const tokens = await app.signInTo(app.browser(), opaque, account.login, { claims });
      expect(claimsOf(tokens.id_token).updated_at).toBe(at);
      expect(claimsOf((await app.refresh(opaque, tokens.refresh_token)).body.id_token).updated_at).toBe(at);
      expect(await profileOf(tokens)).toEqual({ sub: account.id, updated_at: at });
    });
  });

  it.each<[string, Record<string, unknown>, string | undefined]>([
    ['nothing', {}, undefined],
    ['a name of its own', { preferred_username: 'Mia7' }, 'Mia7'],
    ['an empty one, as it may stand in old rows', { preferred_username: '' }, undefined],
  ])('calls somebody by the login where %s was set as preferred_username (§5.1)', async (_what, claims, expected) => {
    const account = await app.createAccount(undefined, claims);
    const tokens = await app.signInTo(app.browser(), client, account.login, { scope: 'openid profile' });
    expect((await ask(tokens.access_token)).body.preferred_username).toBe(expected ?? account.login);
  });

  it('tells what the claims parameter asks for by name (§5.5), and cannot be told another sub', async () => {
    const claims = JSON.stringify({
      userinfo: { given_name: { essential: true }, sub: null, website: null },
      id_token: { phone_number: null },
    });
    const { account, tokens } = await signedIn({ claims });
    expect((await ask(tokens.access_token)).body).toEqual({ sub: account.id, given_name: 'Mia' });
  });

  it('challenges without an error code when no token was sent (RFC 6750 §3.1)', async () => {
    expectChallenge(await app.json('GET', '/userinfo'), 401, /^Bearer realm="exeunt"$/);
    expectChallenge(await app.form('/userinfo', {}), 401, /^Bearer realm="exeunt"$/);
  });

  it('reads no token from the query (RFC 9700 §4.3.2)', async () => {
    const { tokens } = await signedIn();
    expect((await app.json('GET', `/userinfo?access_token=${tokens.access_token}`)).status).toBe(401);
  });

  it('refuses a token in the header and in the body at once (RFC 6750 §2)', async () => {
    const { tokens } = await signedIn();
    const answer = await app.form('/userinfo', { access_token: tokens.access_token }, undefined, {
      authorization: `Bearer ${tokens.access_token}`,
    });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toBe('invalid_request');
  });

  it.each<[string, (tokens: Tokens) => string]>([
    ['nonsense', () => 'nonsense'],
    ['a broken signature', ({ access_token: token }) => `${token.slice(0, -8)}AAAAAAAA`],
    ['an ID token (threat-model#token-confusion)', ({ id_token: token }) => token],
    ['a refresh token', ({ refresh_token: token }) => token],
  ])('refuses %s', async (_what, tokenOf) => {
    const { tokens } = await signedIn();
    const answer = await ask(tokenOf(tokens));
    expectChallenge(answer, 401, /^Bearer realm="exeunt", error="invalid_token", error_description="[^"]+"$/);
    expect(answer.body).toEqual({ error: 'invalid_token', error_description: expect.any(String) });
  });

  it('refuses a token that has expired', async () => {
    const { tokens } = await signedIn();
    app.clock.advance(10 * MINUTE);
    expectChallenge(await ask(tokens.access_token), 401, /error="invalid_token"/);
  });

  it('refuses a token whose session was signed out, and one that was revoked', async () => {
    const ended = await signedIn();
    await signOut(ended.browser);
    expectChallenge(await ask(ended.tokens.access_token), 401, /error="invalid_token"/);
    const revoked = await signedIn();
    await app.form('/revoke', { token: revoked.tokens.access_token }, client);
    expectChallenge(await ask(revoked.tokens.access_token), 401, /error="invalid_token"/);
  });

  it('says 403 to a token that was not for openid (RFC 6750 §3.1)', async () => {
    const { tokens } = await signedIn({ scope: 'reports' });
    const answer = await ask(tokens.access_token);
    expectChallenge(answer, 403, /^Bearer realm="exeunt", error="insufficient_scope", scope="openid"$/);
    expect(answer.body.error).toBe('insufficient_scope');
  });

  it('says 403 to a token that was narrowed to leave openid out', async () => {
    const { tokens } = await signedIn({ scope: 'openid email' });
    const { body } = await app.refresh(client, tokens.refresh_token, { scope: 'email' });
    expect((await ask(String(body.access_token))).status).toBe(403);
  });

  describe('signed, where the client registered that (Core §5.3.2)', () => {
    const jwks = () => createRemoteJWKSet(new URL(`${app.issuer}/jwks`));

    it.each(['RS256', 'ES256', 'EdDSA'])('with %s: the same claims, with issuer and audience', async (alg) => {
      const signing = await app.createClient({ userinfo_signed_response_alg: alg, scope: 'openid email' });
      const account = await app.createAccount();
      const tokens = await app.signInTo(app.browser(), signing, account.login, { scope: 'openid email' });
      const byPost = await app.form('/userinfo', { access_token: tokens.access_token });
      for (const answer of [await ask(tokens.access_token), byPost]) {
        expect(answer.status).toBe(200);
        expect(answer.headers.get('content-type')).toBe('application/jwt');
        expect(answer.headers.get('cache-control')).toBe('no-store');
        const verified = await jwtVerify(answer.text, jwks(), {
          issuer: app.issuer,
          audience: signing.clientId,
          algorithms: [alg],
        });
        expect(verified.payload).toEqual({
          iss: app.issuer,
          aud: signing.clientId,
          sub: account.id,
          email: account.login,
        });
      }
    });

    it('is refused as an error object in JSON, as ever', async () => {
      const answer = await ask('nonsense');
      expectChallenge(answer, 401, /error="invalid_token"/);
      expect(answer.body.error).toBe('invalid_token');
    });

    it('is no ID token and no access token: nothing takes it for a hint or a credential', async () => {
      const signing = await app.createClient({ userinfo_signed_response_alg: 'RS256' });
      const account = await app.createAccount();
      const browser = app.browser();
      const { access_token: token } = await app.signInTo(browser, signing, account.login);
      const { text: jwt } = await ask(token);
      expect((await ask(jwt)).status).toBe(401);
      const page = await browser.get(app.authorizeUrl(signing, { id_token_hint: jwt, prompt: 'none' }));
      expect(page.query.get('error')).toBe('invalid_request');
      expect(await app.isActive(signing, token)).toBe(true);
    });
  });
});
