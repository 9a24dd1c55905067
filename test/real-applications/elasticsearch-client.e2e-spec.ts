import { Client, errors } from '@elastic/elasticsearch';
import { TestApp, type TestAccount, type TestClient } from '../support/app.js';
import type { Browser } from '../support/http.js';
import { RealClock } from '../support/real-clock.js';

const SIGNED_OUT_URI = 'http://127.0.0.1:9/bye';

describe('@elastic/elasticsearch 9', () => {
  let app: TestApp;
  let facilitator: TestClient;
  let client: Client;
  const opened: Client[] = [];

  beforeAll(async () => {
    app = await TestApp.start({}, { clock: new RealClock() });
    facilitator = await app.createClient({
      permissions: ['manage_oidc', 'manage_token'],
      post_logout_redirect_uris: [SIGNED_OUT_URI],
    });
    client = connect({ username: facilitator.clientId, password: facilitator.clientSecret });
  });
  afterAll(async () => {
    await Promise.all(opened.map((one) => one.close()));
    await app.stop();
  });

  function connect(auth: ConstructorParameters<typeof Client>[0]['auth']): Client {
    const one = new Client({ node: app.issuer, maxRetries: 0, ...(auth === undefined ? {} : { auth }) });
    opened.push(one);
    return one;
  }

  /** As whoever the token stands for. */
  function authenticate(token: string) {
    return connect({ bearer: token }).security.authenticate();
  }

  async function signIn(browser: Browser, { login }: TestAccount) {
    const { redirect, state, nonce, realm } = await client.security.oidcPrepareAuthentication({ realm: 'exeunt' });
    const page = await app.signIn(browser, await browser.get(redirect), login);
    const back = await browser.follow(page);
    return client.security.oidcAuthenticate({ redirect_uri: back.location ?? '', state, nonce, realm });
  }

  async function refusal(request: Promise<unknown>): Promise<errors.ResponseError> {
    const error = await request.then(
      () => new Error('it was answered'),
      (reason: unknown) => reason,
    );
    if (error instanceof errors.ResponseError) return error;
    throw error;
  }

  it('prepares, signs somebody in at the redirect, and is told who it is', async () => {
    const account = await app.createAccount();
    const tokens = await signIn(app.browser(), account);
    expect(tokens).toMatchObject({ type: 'Bearer', expires_in: app.settings.accessTokenTtlSeconds });
    expect(await authenticate(tokens.access_token)).toMatchObject({
      username: account.login,
      full_name: 'Mia Example',
      authentication_realm: { name: 'exeunt', type: 'oidc' },
      authentication_type: 'token',
    });
  });

  it('logs out: the token is refused from then on, and the redirect ends in the application', async () => {
    const browser = app.browser();
    const { access_token: token, refresh_token } = await signIn(browser, await app.createAccount());
    const { redirect } = await client.security.oidcLogout({ token, refresh_token });
    const error = await refusal(authenticate(token));
    expect(error.statusCode).toBe(401);
    expect(error.message).toContain('security_exception');
    expect(error.message).toContain('token expired');
    expect((await refusal(getToken(refresh_token))).statusCode).toBe(400);
    let page = await browser.get(redirect);
    if (page.has('logout-yes')) page = await browser.submit(page, 'logout-yes');
    expect(page.location).toMatch(new RegExp(`^${SIGNED_OUT_URI}\\?state=`));
    expect((await client.security.oidcLogout({ token, refresh_token })).redirect).toContain('id_token_hint=');
  });

  function getToken(refreshToken: string) {
    return client.security.getToken({ grant_type: 'refresh_token', refresh_token: refreshToken });
  }

  it('refreshes and invalidates', async () => {
    const account = await app.createAccount();
    const first = await signIn(app.browser(), account);
    const second = await getToken(first.refresh_token);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(second.authentication).toMatchObject({ username: account.login });
    expect((await authenticate(second.access_token)).username).toBe(account.login);

    const token = second.access_token;
    expect(await client.security.invalidateToken({ token })).toEqual({
      invalidated_tokens: 1,
      previously_invalidated_tokens: 0,
      error_count: 0,
    });
    expect((await refusal(authenticate(token))).statusCode).toBe(401);
    expect(await client.security.invalidateToken({ username: account.login })).toMatchObject({ invalidated_tokens: 2 });
    expect((await refusal(getToken(second.refresh_token ?? ''))).statusCode).toBe(400);
  });

  it('filters and lays out answers as it is asked to', async () => {
    const request = { realm: 'exeunt', filter_path: 'realm', pretty: true, human: true, error_trace: true };
    expect(await client.security.oidcPrepareAuthentication(request)).toEqual({ realm: 'exeunt' });
  });

  it('takes the client by an API key too', async () => {
    const api = connect({ apiKey: { id: facilitator.clientId, api_key: facilitator.clientSecret } });
    expect(await api.security.authenticate()).toMatchObject({
      username: facilitator.clientId,
      authentication_type: 'api_key',
    });
  });

  describe('understands what is wrong', () => {
    const logout = (body: { token: string; refresh_token?: string }) => client.security.oidcLogout(body);

    it.each([
      ['an unknown token', () => logout({ token: 'x' }), 401, 'security_exception', 'supplied token is not valid'],
      [
        'an empty token',
        () => logout({ token: '' }),
        400,
        'action_request_validation_exception',
        'Validation Failed: 1: token is missing;',
      ],
      [
        'a refresh token that cannot be one',
        () => logout({ token: 'x', refresh_token: 'y' }),
        401,
        'security_exception',
        'token malformed',
      ],
      [
        'a realm that is not there',
        () => client.security.oidcPrepareAuthentication({ realm: 'nowhere' }),
        400,
        'security_exception',
        'Cannot find OpenID Connect realm with name [nowhere]',
      ],
      [
        'an answer that does not fit',
        () => client.security.oidcAuthenticate({ redirect_uri: '/cb?code=x&state=a', state: 'b', nonce: 'n' }),
        401,
        'security_exception',
        'unable to authenticate user [<OIDC Token>] for action [cluster:admin/xpack/security/oidc/authenticate]',
      ],
    ])('%s', async (_name, send, status, type, reason) => {
      const error = await refusal(send());
      expect(error.statusCode).toBe(status);
      expect(error.message).toContain(type);
      expect(error.message).toContain(reason);
      expect(error.body).toMatchObject({ status, error: { type, reason, root_cause: [{ type, reason }] } });
    });

    it('a wrong secret', async () => {
      const stranger = connect({ username: facilitator.clientId, password: 'wrong' });
      const error = await refusal(stranger.security.oidcLogout({ token: 'x' }));
      expect(error.statusCode).toBe(401);
      expect(error.message).toContain(`unable to authenticate user [${facilitator.clientId}]`);
    });

    it('a privilege that is missing', async () => {
      const plain = await app.createClient();
      const stranger = connect({ username: plain.clientId, password: plain.clientSecret });
      const error = await refusal(stranger.security.oidcLogout({ token: 'x' }));
      expect(error.statusCode).toBe(403);
      expect(error.message).toContain('action [cluster:admin/xpack/security/oidc/logout] is unauthorized for user');
    });

    it('a refresh token that is not good any more', async () => {
      const error = await refusal(getToken('x'.repeat(43)));
      expect(error.statusCode).toBe(400);
      expect(error.body).toEqual({
        error: 'invalid_grant',
        error_description: 'could not refresh the requested token',
      });
    });

    it('a token that nobody knows: 404 with counts', async () => {
      const error = await refusal(client.security.invalidateToken({ token: 'x' }));
      expect(error.statusCode).toBe(404);
      expect(error.body).toEqual({ invalidated_tokens: 0, previously_invalidated_tokens: 0, error_count: 0 });
    });
  });
});
