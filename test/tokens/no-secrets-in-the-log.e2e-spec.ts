import { basic, PASSWORD, pkce, TestApp } from '../support/app.js';
import { postRaw, redeem } from './token-requests.js';

describe('the log', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  it('has no token, code, verifier, secret, cookie, password or hint in it, whether requests succeed, are refused or fail', async () => {
    const { login } = await app.createAccount();
    const client = await app.createClient({ post_logout_redirect_uris: ['http://127.0.0.1:9/bye'] });
    const browser = app.browser();
    const { verifier, challenge } = pkce();
    const code = await app.codeFor(browser, client, login, {
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    expect((await redeem(app, client, code, { code_verifier: pkce().verifier })).status).toBe(400);
    const redeemed = await redeem(app, client, code, { code_verifier: verifier });
    expect(redeemed.status).toBe(200);
    const tokens = redeemed.body as Record<string, string>;
    for (const name of ['access_token', 'refresh_token', 'id_token']) expect(tokens[name]).toMatch(/^[\w.-]{40,}$/);
    const secrets = {
      code,
      verifier,
      password: PASSWORD,
      client_secret: client.clientSecret,
      authorization: basic(client),
      ...tokens,
    };
    const cookies = ['exeunt_session', 'exeunt_browser'].map((name) => browser.cookie(name) ?? '');
    expect(cookies.every((cookie) => cookie.length > 20)).toBe(true);

    await app.form('/introspect', { token: String(tokens.access_token) }, client);
    await app.json('GET', '/userinfo', { token: tokens.access_token });
    await app.json('GET', `/userinfo?access_token=${tokens.access_token}`);
    await app.form(
      '/token',
      { grant_type: 'client_credentials' },
      { clientId: client.clientId, clientSecret: `${client.clientSecret}x` },
    );
    await app.form('/token', {
      grant_type: 'client_credentials',
      client_id: client.clientId,
      client_secret: client.clientSecret,
    });
    await postRaw(
      app,
      '/token',
      `grant_type=refresh_token&refresh_token=${tokens.refresh_token}&refresh_token=${tokens.refresh_token}`,
    );
    await postRaw(app, '/token', `{"refresh_token":"${tokens.refresh_token}"`, { 'content-type': 'application/json' });
    await app.form('/authorize', { id_token_hint: String(tokens.id_token) });
    const hint = new URLSearchParams({
      id_token_hint: String(tokens.id_token),
      access_token_hint: String(tokens.access_token),
    });
    await browser.get(`/session/end_session?${hint}`);
    await browser.get(`/nowhere?${hint}`);

    await app.db.query('ALTER TABLE grants RENAME TO grants_away');
    try {
      for (const [path, fields] of [
        ['/token', { grant_type: 'refresh_token', refresh_token: String(tokens.refresh_token) }],
        [
          '/token',
          { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri, code_verifier: verifier },
        ],
        ['/revoke', { token: String(tokens.refresh_token) }],
        ['/introspect', { token: String(tokens.access_token) }],
      ] as const) {
        expect((await app.form(path, fields, client)).status).toBe(503);
      }
    } finally {
      await app.db.query('ALTER TABLE grants_away RENAME TO grants');
    }
    await app.refresh(client, String(tokens.refresh_token));
    await app.form('/revoke', { token: String(tokens.access_token) }, client);

    const log = app.logger.lines.join('\n');
    expect(log).toMatch(/request [\w-]+ failed/);
    expect(log).toMatch(/request [\w-]+ refused/);
    for (const [name, secret] of [
      ...Object.entries(secrets),
      ...cookies.map((cookie) => ['cookie', cookie] as const),
    ]) {
      if (['token_type', 'scope', 'expires_in'].includes(name)) continue;
      expect(log.includes(secret), name).toBe(false);
      expect(log.includes(encodeURIComponent(secret)), name).toBe(false);
    }
  });
});
