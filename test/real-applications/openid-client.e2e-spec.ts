import * as client from 'openid-client';
import { ADMIN, TestApp } from '../support/app.js';
import { RealClock } from '../support/real-clock.js';

const REDIRECT_URI = 'http://127.0.0.1:9/callback';
const POST_LOGOUT_URI = 'http://127.0.0.1:9/bye';

describe('openid-client 6', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start({}, { clock: new RealClock() });
  });
  afterAll(() => app.stop());

  async function register(): Promise<client.Configuration> {
    const initialAccessToken = await app.adminToken();
    return client.dynamicClientRegistration(
      new URL(app.issuer),
      {
        client_name: 'openid-client',
        redirect_uris: [REDIRECT_URI],
        post_logout_redirect_uris: [POST_LOGOUT_URI],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_basic',
      },
      undefined,
      { execute: [client.allowInsecureRequests], initialAccessToken },
    );
  }

  async function signIn(config: client.Configuration, scope: string) {
    const { login, id } = await app.createAccount();
    const verifier = client.randomPKCECodeVerifier();
    const expected = { state: client.randomState(), nonce: client.randomNonce() };
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...expected,
    });
    const browser = app.browser();
    const form = await browser.follow(await browser.get(url.pathname + url.search));
    const consent = await browser.follow(
      await browser.submit(form, 'login-submit', { login, password: 'correct horse battery staple' }),
    );
    const answer = await browser.submit(consent, 'consent-submit');
    const tokens = await client.authorizationCodeGrant(config, new URL(answer.location ?? ''), {
      pkceCodeVerifier: verifier,
      expectedState: expected.state,
      expectedNonce: expected.nonce,
      idTokenExpected: true,
    });
    return { browser, tokens, accountId: id };
  }

  it('discovers, registers, signs in, refreshes, introspects, reads userinfo, revokes', async () => {
    const config = await register();
    const { tokens, accountId } = await signIn(config, 'openid profile email');
    expect(tokens.claims()).toMatchObject({ sub: accountId, iss: app.issuer });
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, accountId);
    expect(userinfo).toMatchObject({ sub: accountId, name: 'Mia Example' });

    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token);
    expect(await client.tokenIntrospection(config, refreshed.access_token)).toMatchObject({
      active: true,
      sub: accountId,
    });

    await client.tokenRevocation(config, refreshed.refresh_token ?? '');
    expect(await client.tokenIntrospection(config, refreshed.access_token)).toEqual({ active: false });
    await expect(client.refreshTokenGrant(config, refreshed.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    await expect(client.fetchUserInfo(config, refreshed.access_token, accountId)).rejects.toThrow();
  });

  it('logs out by the URL that it builds, and gets its state back', async () => {
    const config = await register();
    const { browser, tokens } = await signIn(config, 'openid');
    const url = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: POST_LOGOUT_URI,
      state: 'a b',
    });
    const dialog = await browser.get(url.pathname + url.search);
    const done = await browser.submit(dialog, 'logout-yes');
    expect(done.location).toBe(`${POST_LOGOUT_URI}?state=a%20b`);
    expect(await client.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false });
  });

  it('gets a token of its own by client credentials', async () => {
    const config = await client.discovery(
      new URL(app.issuer),
      ADMIN.clientId,
      undefined,
      client.ClientSecretBasic(ADMIN.clientSecret),
      {
        execute: [client.allowInsecureRequests],
      },
    );
    const tokens = await client.clientCredentialsGrant(config, { scope: 'exeunt:admin' });
    expect(tokens.scope).toBe('exeunt:admin');
    expect((await app.json('GET', '/admin/v1/clients', { token: tokens.access_token })).status).toBe(200);
  });
});
