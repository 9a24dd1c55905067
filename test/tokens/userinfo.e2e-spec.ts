import { TestApp, type Answer, type TestClient, type Tokens } from '../support/app.js';
import { MINUTE } from '../support/clock.js';
import { signOut } from './token-requests.js';

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
    ['openid profile', { name: 'Mia Example', given_name: 'Mia' }],
    ['openid email', { email: expect.any(String), email_verified: true }],
    ['openid phone', { phone_number: '+49 30 1', phone_number_verified: false }],
    ['openid address', { address: { country: 'DE' } }],
  ])('tells for the scope %j its claims and no others (§5.4)', async (scope, expected) => {
    const { account, tokens } = await signedIn({ scope });
    const { updated_at: _own, ...claims } = (await ask(tokens.access_token)).body;
    expect(claims).toEqual({ sub: account.id, ...expected });
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
    ['an ID token (abuse case A26)', ({ id_token: token }) => token],
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
});
