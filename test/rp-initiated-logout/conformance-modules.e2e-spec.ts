import { generateKeyPair, SignJWT, UnsecuredJWT, decodeJwt } from 'jose';
import { TestApp, type Tokens } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';
import { anApplication, endSessionUrl, promptNone, type TestApplication } from './end-session.js';

/** Everything that the conformance suite puts into `state`: printable ASCII, without `+`, space and `;`. */
const STATE_ALPHABET = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter(
  (c) => c !== '+' && c !== ';',
);

function randomState(): string {
  return Array.from({ length: 50 }, () => STATE_ALPHABET[Math.floor(Math.random() * STATE_ALPHABET.length)]).join('');
}

describe('the modules of oidcc-rp-initiated-logout-certification-test-plan', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  interface Scene {
    readonly browser: Browser;
    readonly client: TestApplication;
    readonly tokens: Tokens;
  }

  async function aSignedInBrowser(): Promise<Scene> {
    const { login } = await app.createAccount();
    const client = await anApplication(app);
    const browser = app.browser();
    return { browser, client, tokens: await app.signInTo(browser, client, login) };
  }

  /** Confirms the dialog, and expects that neither it nor what follows leads anywhere but to our own page. */
  async function expectOwnPages(scene: Scene, parameters: Record<string, string | undefined>): Promise<Page> {
    const dialog = await scene.browser.get(endSessionUrl(parameters));
    expect(dialog.status).toBe(200);
    expect(dialog.location).toBeUndefined();
    const done = await scene.browser.submit(dialog, 'logout-yes');
    expect(done.status).toBe(200);
    expect(done.location).toBeUndefined();
    expect(done.body).not.toContain('ledger.example.com');
    expect(done.body).toContain('<h1>Signed out</h1>');
    expect(await promptNone(app, scene.browser, scene.client)).toBe('login_required');
    return done;
  }

  it('oidcc-rp-initiated-logout-discovery-endpoint-verification: publishes the endpoint under the issuer', async () => {
    const { body } = await app.json('GET', '/.well-known/openid-configuration');
    expect(body.end_session_endpoint).toBe(`${app.issuer}/session/end_session`);
  });

  it.each(Array.from({ length: 5 }, (_, i) => [i, randomState()]))(
    'oidcc-rp-initiated-logout: comes back with state byte for byte (run %i, %s)',
    async (_run, state) => {
      const { browser, client, tokens } = await aSignedInBrowser();
      const uri = client.postLogoutRedirectUri;
      const dialog = await browser.get(
        endSessionUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: uri, state }),
      );
      const done = await browser.submit(dialog, 'logout-yes');
      expect(done.status).toBe(303);
      expect(done.location?.startsWith(`${uri}?`)).toBe(true);
      expect([...done.query]).toEqual([['state', state]]);
      expect(done.location).not.toContain('#');
      expect(await promptNone(app, browser, client)).toBe('login_required');
    },
  );

  it('oidcc-rp-initiated-logout-no-state: comes back without any state', async () => {
    const { browser, client, tokens } = await aSignedInBrowser();
    const uri = client.postLogoutRedirectUri;
    const dialog = await browser.get(endSessionUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: uri }));
    const done = await browser.submit(dialog, 'logout-yes');
    expect(done.location).toBe(uri);
    expect(await promptNone(app, browser, client)).toBe('login_required');
  });

  it('oidcc-rp-initiated-logout-no-post-logout-redirect-uri: stays here although one URI is registered', async () => {
    const scene = await aSignedInBrowser();
    await expectOwnPages(scene, { id_token_hint: scene.tokens.id_token, state: randomState() });
  });

  it('oidcc-rp-initiated-logout-no-params: asks, signs out and says so', async () => {
    await expectOwnPages(await aSignedInBrowser(), {});
  });

  it('oidcc-rp-initiated-logout-only-state: ignores the state, which is no error', async () => {
    await expectOwnPages(await aSignedInBrowser(), { state: randomState() });
  });

  it('oidcc-rp-initiated-logout-bad-post-logout-redirect-uri: redirects to neither URI', async () => {
    const scene = await aSignedInBrowser();
    await expectOwnPages(scene, {
      id_token_hint: scene.tokens.id_token,
      post_logout_redirect_uri: 'https://ledger.example.com/bad_post_logout_redirect_uri',
      state: randomState(),
    });
  });

  it('oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri: the match is exact', async () => {
    const scene = await aSignedInBrowser();
    await expectOwnPages(scene, {
      id_token_hint: scene.tokens.id_token,
      post_logout_redirect_uri: `${scene.client.postLogoutRedirectUri}?foo=bar`,
      state: randomState(),
    });
  });

  it('oidcc-rp-initiated-logout-modified-id-token-hint: an unsigned hint opens no redirect, not after confirming either', async () => {
    const scene = await aSignedInBrowser();
    await expectOwnPages(scene, {
      id_token_hint: new UnsecuredJWT(decodeJwt(scene.tokens.id_token)).encode(),
      post_logout_redirect_uri: scene.client.postLogoutRedirectUri,
      state: randomState(),
    });
  });

  it("oidcc-rp-initiated-logout-bad-id-token-hint: a hint by the client's own key opens no redirect", async () => {
    const scene = await aSignedInBrowser();
    const { privateKey } = await generateKeyPair('RS256');
    const hint = await new SignJWT({ sub: decodeJwt(scene.tokens.id_token).sub ?? '' })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: 'own-key' })
      .setIssuer(scene.client.clientId)
      .setAudience(app.issuer)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);
    await expectOwnPages(scene, {
      id_token_hint: hint,
      post_logout_redirect_uri: scene.client.postLogoutRedirectUri,
      state: randomState(),
    });
  });

  it('oidcc-rp-initiated-logout-no-id-token-hint: a registered URI alone opens no redirect', async () => {
    const scene = await aSignedInBrowser();
    await expectOwnPages(scene, {
      post_logout_redirect_uri: scene.client.postLogoutRedirectUri,
      state: randomState(),
    });
  });

  it('a client_id names nobody for certain: with a registered URI and no hint it opens no redirect (RP-Initiated Logout 1.0 §3)', async () => {
    const { browser, client } = await aSignedInBrowser();
    const dialog = await browser.get(
      endSessionUrl({ client_id: client.clientId, post_logout_redirect_uri: client.postLogoutRedirectUri }),
    );
    expect([dialog.status, dialog.location]).toEqual([200, undefined]);
    expect(dialog.body).not.toContain('ledger.example.com');
    const done = await browser.submit(dialog, 'logout-yes');
    expect([done.status, done.location, done.headers.get('refresh')]).toEqual([200, undefined, null]);
    expect(await promptNone(app, browser, client)).toBe('login_required');
  });
});
