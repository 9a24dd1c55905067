import { createHmac } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { JwtSigner } from '../../src/platform/keys/jwt-signer.js';
import { Retention } from '../../src/platform/database/retention.js';
import { TestApp, type Tokens } from '../support/app.js';
import { HOUR } from '../support/clock.js';
import type { Browser } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { anApplication, endSessionUrl, promptNone, signOut, type TestApplication } from './end-session.js';

describe('which hints open the way back (RP-Initiated Logout 1.0 §2, §4)', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  interface Scene {
    readonly browser: Browser;
    readonly client: TestApplication;
    readonly tokens: Tokens;
    readonly login: string;
  }

  async function aScene(): Promise<Scene> {
    const { login } = await app.createAccount();
    const client = await anApplication(app);
    const browser = app.browser();
    return { browser, client, login, tokens: await app.signInTo(browser, client, login) };
  }

  type Parameters = Record<string, string | undefined>;
  const registered = (scene: Scene): Parameters => ({
    post_logout_redirect_uri: scene.client.postLogoutRedirectUri,
    state: 'q1',
  });

  it.each<[string, (scene: Scene) => Promise<Parameters> | Parameters]>([
    ['a valid ID token', ({ tokens }) => ({ id_token_hint: tokens.id_token })],
    ['a valid access token', ({ tokens }) => ({ access_token_hint: tokens.access_token })],
    [
      'an access token that has expired',
      ({ tokens }) => {
        app.clock.advance(HOUR);
        return { access_token_hint: tokens.access_token };
      },
    ],
    [
      "a valid ID token beside an expired access token of another client's: that says nothing against it",
      async ({ tokens, browser, login }) => {
        const other = await app.signInTo(browser, await anApplication(app), login);
        app.clock.advance(HOUR);
        return { id_token_hint: tokens.id_token, access_token_hint: other.access_token };
      },
    ],
    [
      'both, of the same person and client',
      ({ tokens }) => ({ id_token_hint: tokens.id_token, access_token_hint: tokens.access_token }),
    ],
    [
      'an ID token that has expired',
      ({ tokens }) => {
        app.clock.advance(2 * HOUR);
        return { id_token_hint: tokens.id_token };
      },
    ],
    [
      'a valid ID token beside an access token that was revoked: that counts as not sent',
      async ({ tokens, client }) => {
        await app.form('/revoke', { token: tokens.access_token }, client);
        return { id_token_hint: tokens.id_token, access_token_hint: tokens.access_token };
      },
    ],
    [
      'a valid ID token with the client_id it was issued to',
      ({ tokens, client }) => ({ id_token_hint: tokens.id_token, client_id: client.clientId }),
    ],
    [
      'unknown parameters and languages, which are no error',
      ({ tokens }) => ({ id_token_hint: tokens.id_token, ui_locales: 'xx-klingon', logout_hint: 'mia', zebra: '1' }),
    ],
  ])('%s: redirects with state', async (_name, parameters) => {
    const scene = await aScene();
    const done = await signOut(scene.browser, { ...registered(scene), ...(await parameters(scene)) });
    expect([done.status, done.location]).toEqual([303, `${scene.client.postLogoutRedirectUri}?state=q1`]);
    expect(await promptNone(app, scene.browser, scene.client)).toBe('login_required');
  });

  /** Each with the reason that the dialog gives. */
  const MISMATCH = 'did not act on either of them';
  const UNVERIFIED = 'could not verify who asked for this';
  const UNREGISTERED = 'named an address to go on to that is not registered for it';
  const resigned = async (
    scene: Scene,
    change: Record<string, unknown>,
    typ: 'JWT' | 'at+jwt' | 'logout+jwt' = 'JWT',
  ) => app.app.get(JwtSigner).sign('RS256', typ, { ...decodeJwt(scene.tokens.id_token), ...change });
  const withHeader = (token: string, header: object, signature: (input: string) => string): string => {
    const input = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${token.split('.')[1]}`;
    return `${input}.${signature(input)}`;
  };

  it.each<[string, string, (scene: Scene) => Promise<Parameters> | Parameters]>([
    [
      'both hints, of two people (wire/oidc-end-session#either-hint)',
      MISMATCH,
      async ({ tokens, client }) => {
        const { login } = await app.createAccount();
        const other = await app.signInTo(app.browser(), client, login);
        return { id_token_hint: tokens.id_token, access_token_hint: other.access_token };
      },
    ],
    [
      'cross-client hint: both hints, of two clients (threat-model#foreign-hint)',
      MISMATCH,
      async ({ tokens, browser, login }) => {
        const other = await app.signInTo(browser, await anApplication(app), login);
        return { id_token_hint: tokens.id_token, access_token_hint: other.access_token };
      },
    ],
    [
      "cross-client hint: another client's ID token with this client's URI (threat-model#foreign-hint)",
      UNREGISTERED,
      async ({ browser, login }) => {
        const elsewhere = await anApplication(app, { post_logout_redirect_uris: ['https://other.example.com/'] });
        return { id_token_hint: (await app.signInTo(browser, elsewhere, login)).id_token };
      },
    ],
    [
      'client_id of another client than the hint (threat-model#foreign-hint)',
      MISMATCH,
      async ({ tokens }) => ({ id_token_hint: tokens.id_token, client_id: (await anApplication(app)).clientId }),
    ],
    ['no hint at all', UNVERIFIED, () => ({})],
    ['an access token that was never issued', UNVERIFIED, () => ({ access_token_hint: 'unknown' })],
    [
      'a revoked access token',
      UNVERIFIED,
      async ({ tokens, client }) => {
        await app.form('/revoke', { token: tokens.access_token }, client);
        return { access_token_hint: tokens.access_token };
      },
    ],
    [
      'an access token that was revoked and has expired since',
      UNVERIFIED,
      async ({ tokens, client }) => {
        await app.form('/revoke', { token: tokens.access_token }, client);
        app.clock.advance(HOUR);
        await app.app.get(Retention).sweep();
        return { access_token_hint: tokens.access_token };
      },
    ],
    [
      'an access token whose refresh token was revoked',
      UNVERIFIED,
      async ({ tokens, client }) => {
        await app.form('/revoke', { token: tokens.refresh_token }, client);
        return { access_token_hint: tokens.access_token };
      },
    ],
    [
      "an access token of the client's own, which is about nobody",
      UNVERIFIED,
      async () => {
        const machine = await anApplication(app, { grant_types: ['authorization_code', 'client_credentials'] });
        const { body } = await app.form('/token', { grant_type: 'client_credentials' }, machine);
        return { access_token_hint: String(body.access_token) };
      },
    ],
    ['a refresh token as access_token_hint', UNVERIFIED, ({ tokens }) => ({ access_token_hint: tokens.refresh_token })],
    [
      'an ID token as access_token_hint (threat-model#foreign-hint)',
      UNVERIFIED,
      ({ tokens }) => ({ access_token_hint: tokens.id_token }),
    ],
    [
      'an access token as id_token_hint (threat-model#foreign-hint)',
      UNVERIFIED,
      ({ tokens }) => ({ id_token_hint: tokens.access_token }),
    ],
    [
      'a logout token as id_token_hint (threat-model#foreign-hint, threat-model#token-confusion)',
      UNVERIFIED,
      async (scene) => ({ id_token_hint: await resigned(scene, {}, 'logout+jwt') }),
    ],
    [
      'foreign issuer under our own key (threat-model#foreign-hint)',
      UNVERIFIED,
      async (scene) => ({ id_token_hint: await resigned(scene, { iss: 'https://other.example.com' }) }),
    ],
    [
      'several audiences and no one of them named (threat-model#foreign-hint)',
      UNVERIFIED,
      async (scene) => ({ id_token_hint: await resigned(scene, { aud: [scene.client.clientId, 'other'] }) }),
    ],
    [
      'alg none (threat-model#unsigned-tokens, threat-model#foreign-hint)',
      UNVERIFIED,
      ({ tokens }) => ({ id_token_hint: new UnsecuredJWT(decodeJwt(tokens.id_token)).encode() }),
    ],
    [
      'alg none with our kid and typ',
      UNVERIFIED,
      ({ tokens }) => ({
        id_token_hint: withHeader(
          tokens.id_token,
          { ...decodeProtectedHeader(tokens.id_token), alg: 'none' },
          () => '',
        ),
      }),
    ],
    [
      'HMAC with our public key as the secret (threat-model#unsigned-tokens)',
      UNVERIFIED,
      async ({ tokens }) => {
        const { body } = await app.json('GET', '/jwks');
        const { kid } = decodeProtectedHeader(tokens.id_token);
        const key = JSON.stringify((body.keys as { kid: string }[]).find((one) => one.kid === kid));
        return {
          id_token_hint: withHeader(tokens.id_token, { alg: 'HS256', typ: 'JWT', kid }, (input) =>
            createHmac('sha256', key).update(input).digest('base64url'),
          ),
        };
      },
    ],
    [
      "HMAC with the client's secret",
      UNVERIFIED,
      async ({ tokens, client }) => ({
        id_token_hint: await new SignJWT(decodeJwt(tokens.id_token))
          .setProtectedHeader({ ...decodeProtectedHeader(tokens.id_token), alg: 'HS256' })
          .sign(Buffer.from(client.clientSecret)),
      }),
    ],
    [
      "the client's own key under our kid",
      UNVERIFIED,
      async ({ tokens }) => ({
        id_token_hint: await new SignJWT(decodeJwt(tokens.id_token))
          .setProtectedHeader(decodeProtectedHeader(tokens.id_token) as { alg: string })
          .sign((await generateKeyPair('RS256')).privateKey),
      }),
    ],
    [
      'a claim changed under the old signature',
      UNVERIFIED,
      ({ tokens }) => {
        const [header, payload = '', signature] = tokens.id_token.split('.');
        const changed = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), extra: 1 };
        return {
          id_token_hint: `${header}.${Buffer.from(JSON.stringify(changed)).toString('base64url')}.${signature}`,
        };
      },
    ],
    ['an empty signature', UNVERIFIED, ({ tokens }) => ({ id_token_hint: tokens.id_token.replace(/[^.]*$/, '') })],
    ['no JWT', UNVERIFIED, () => ({ id_token_hint: 'garbage' })],
    [
      'a bad ID token beside a good access token: it spoils both (§4)',
      UNVERIFIED,
      ({ tokens }) => ({ id_token_hint: 'garbage', access_token_hint: tokens.access_token }),
    ],
  ])('%s: asks, says why, and never redirects', async (_name, reason, parameters) => {
    const scene = await aScene();
    const dialog = await scene.browser.get(endSessionUrl({ ...registered(scene), ...(await parameters(scene)) }));
    expect(dialog.status).toBe(200);
    expect(dialog.body).toContain(reason);
    const done = await scene.browser.submit(dialog, 'logout-yes');
    expect([done.status, done.location]).toEqual([200, undefined]);
    expect(await promptNone(app, scene.browser, scene.client)).toBe('login_required');
  });

  it.each([
    ['jwt', 'live'],
    ['opaque', 'live'],
    ['jwt', 'expired'],
    ['opaque', 'expired'],
    ['jwt', 'of a session that has ended'],
    ['opaque', 'of a session that has ended'],
  ])('an access token (%s), %s: names the application, whose URI it leads back to', async (format, state) => {
    const { login } = await app.createAccount();
    const client = await anApplication(app, { access_token_format: format });
    const browser = app.browser();
    const { access_token: accessToken } = await app.signInTo(browser, client, login);
    if (state === 'of a session that has ended') {
      await signOut(browser);
      await app.signInTo(browser, await app.createClient(), login);
    }
    if (state === 'expired') app.clock.advance(HOUR);
    const done = await signOut(browser, {
      access_token_hint: accessToken,
      post_logout_redirect_uri: client.postLogoutRedirectUri,
      state: 'q1',
    });
    expect([done.status, done.location]).toEqual([303, `${client.postLogoutRedirectUri}?state=q1`]);
    expect(await promptNone(app, browser, client)).toBe('login_required');
  });

  it('an opaque access token that was revoked counts as not sent, also once it has expired', async () => {
    const { login } = await app.createAccount();
    const client = await anApplication(app, { access_token_format: 'opaque' });
    const browser = app.browser();
    const { access_token: token } = await app.signInTo(browser, client, login);
    await app.form('/revoke', { token }, client);
    for (const wait of [0, HOUR]) {
      app.clock.advance(wait);
      const dialog = await browser.get(
        endSessionUrl({ access_token_hint: token, post_logout_redirect_uri: client.postLogoutRedirectUri }),
      );
      expect(dialog.body).toContain(UNVERIFIED);
    }
  });

  it('a hint that is good and an address that is not: says that it is the address', async () => {
    const scene = await aScene();
    const uri = 'https://elsewhere.example.com/bye';
    const hint = { id_token_hint: scene.tokens.id_token, post_logout_redirect_uri: uri };
    for (const browser of [scene.browser, app.browser()]) {
      const dialog = await browser.get(endSessionUrl(hint));
      expect(dialog.body).toContain(UNREGISTERED);
      expect(dialog.body).not.toContain(UNVERIFIED);
      expect(dialog.body).not.toContain('elsewhere.example.com');
    }
    const named = await scene.browser.get(endSessionUrl({ client_id: scene.client.clientId, ...hint }));
    expect(named.body).toContain(UNREGISTERED);
  });

  it('a hint of a client that was deleted names nobody any more', async () => {
    const scene = await aScene();
    await app.json('DELETE', `/admin/v1/clients/${scene.client.clientId}`, { token: await app.adminToken() });
    const done = await signOut(scene.browser, { id_token_hint: scene.tokens.id_token, ...registered(scene) });
    expect([done.status, done.location]).toEqual([200, undefined]);
  });

  it('a genuine logout token that an application received is no hint (threat-model#token-confusion)', async () => {
    const party = await StubRelyingParty.start();
    const { login } = await app.createAccount();
    const client = await anApplication(app, { backchannel_logout_uri: party.backchannelLogoutUri });
    const browser = app.browser();
    await app.signInTo(browser, client, login);
    await signOut(browser);
    const [received] = await party.waitFor(1);
    const done = await signOut(browser, {
      id_token_hint: received!.token,
      post_logout_redirect_uri: client.postLogoutRedirectUri,
    });
    expect(done.location).toBeUndefined();
    await party.stop();
  });
});
