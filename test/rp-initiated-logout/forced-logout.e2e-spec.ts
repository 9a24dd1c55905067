import { decodeJwt } from 'jose';
import { JwtSigner } from '../../src/platform/keys/jwt-signer.js';
import { TestApp } from '../support/app.js';
import { anApplication, endSessionUrl, expectNothingChanged, promptNone, SIGNED_OUT_URI } from './end-session.js';

const SPARED = { skip_logout_confirmation: true };

describe('nobody is signed out by a trick', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start({ registration: 'open' });
  });
  afterAll(() => app.stop());

  async function aScene(metadata: Record<string, unknown> = {}) {
    const { login, id } = await app.createAccount();
    const client = await anApplication(app, metadata);
    const browser = app.browser();
    const tokens = await app.signInTo(browser, client, login);
    const url = endSessionUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI, state: 's' });
    return { browser, client, tokens, login, accountId: id, url };
  }

  describe('a client that is spared the dialog', () => {
    it('signs its own session out at once and is led back', async () => {
      const { browser, client, url } = await aScene(SPARED);
      const done = await browser.get(url);
      expect([done.status, done.location]).toEqual([303, `${SIGNED_OUT_URI}?state=s`]);
      expect(browser.cookie('exeunt_session')).toBeUndefined();
      expect(await promptNone(app, browser, client)).toBe('login_required');
    });

    it('shows the signed-out page when it names no URI', async () => {
      const { browser, tokens } = await aScene(SPARED);
      expect((await browser.get(endSessionUrl({ id_token_hint: tokens.id_token }))).body).toContain(
        '<h1>Signed out</h1>',
      );
    });

    const NAVIGATION = { 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'cross-site' };

    it('is spared it in a real navigation from its own page, too', async () => {
      const { browser, url } = await aScene(SPARED);
      expect((await browser.get(url, NAVIGATION)).status).toBe(303);
    });

    it.each<[string, Record<string, string>]>([
      ['an <img>', { 'sec-fetch-dest': 'image' }],
      ['a <script>', { 'sec-fetch-dest': 'script' }],
      ['a style sheet', { 'sec-fetch-dest': 'style' }],
      ['an <iframe>', { 'sec-fetch-dest': 'iframe' }],
      ['fetch()', { 'sec-fetch-dest': 'empty' }],
      ['a prefetch', { ...NAVIGATION, 'sec-purpose': 'prefetch' }],
      ['a prerender', { ...NAVIGATION, 'sec-purpose': 'prefetch;prerender' }],
      ['a prefetch of older browsers', { ...NAVIGATION, purpose: 'prefetch' }],
    ])('forced logout by %s: nothing changes, even with a good hint', async (_name, headers) => {
      const { browser, client, tokens, url } = await aScene(SPARED);
      await expectNothingChanged(app, browser, client, tokens.access_token, async () => {
        expect((await browser.get(url, headers)).status).toBe(200);
      });
    });

    it('forced logout by HEAD: nothing changes (threat-model#forced-logout)', async () => {
      const { browser, client, tokens, url } = await aScene(SPARED);
      await expectNothingChanged(app, browser, client, tokens.access_token, async () => {
        const response = await fetch(app.issuer + url, {
          method: 'HEAD',
          redirect: 'manual',
          headers: { cookie: `exeunt_session=${browser.cookie('exeunt_session')}` },
        });
        expect(response.status).toBe(405);
      });
    });

    it('forced logout by a POST that nobody confirmed: nothing changes', async () => {
      const { browser, client, tokens } = await aScene(SPARED);
      await expectNothingChanged(app, browser, client, tokens.access_token, async () => {
        const answer = await browser.post('/session/end_session', { id_token_hint: tokens.id_token });
        expect([answer.status, answer.has('logout-yes')]).toEqual([200, true]);
      });
    });

    type Scene = Awaited<ReturnType<typeof aScene>>;
    it.each<[string, (scene: Scene) => Promise<Record<string, string>> | Record<string, string>]>([
      ['no hint', () => ({})],
      ['its client_id alone', ({ client }) => ({ client_id: client.clientId })],
      ['an access token', ({ tokens }) => ({ access_token_hint: tokens.access_token })],
      ['a hint that is not good', ({ tokens }) => ({ id_token_hint: `${tokens.id_token}x` })],
      [
        'a hint without sid',
        async ({ tokens }) => {
          const { sid: _sid, ...claims } = decodeJwt(tokens.id_token);
          return { id_token_hint: await app.app.get(JwtSigner).sign('RS256', 'JWT', claims) };
        },
      ],
      [
        "stale sid: a hint of the same person's other device",
        async ({ client, login }) => ({ id_token_hint: (await app.signInTo(app.browser(), client, login)).id_token }),
      ],
      [
        'a hint of somebody else',
        async ({ client }) => {
          const { login } = await app.createAccount();
          return { id_token_hint: (await app.signInTo(app.browser(), client, login)).id_token };
        },
      ],
      [
        'a hint of this session for a client that is not spared',
        async ({ browser, login }) => ({
          id_token_hint: (await app.signInTo(browser, await anApplication(app), login)).id_token,
        }),
      ],
      [
        'a hint with the client_id of another',
        async ({ tokens }) => ({ id_token_hint: tokens.id_token, client_id: (await anApplication(app)).clientId }),
      ],
    ])('is asked all the same with %s (RP-Initiated Logout 1.0 §2)', async (_name, parametersOf) => {
      const scene = await aScene(SPARED);
      const parameters = await parametersOf(scene);
      await expectNothingChanged(app, scene.browser, scene.client, scene.tokens.access_token, async () => {
        const answer = await scene.browser.get(endSessionUrl(parameters));
        expect([answer.status, answer.has('logout-no')]).toEqual([200, true]);
      });
    });
  });

  it('a client that registers itself cannot spare itself the dialog', async () => {
    const { status, body } = await app.json('POST', '/register', {
      body: { redirect_uris: ['https://ledger.example.com/cb'], skip_logout_confirmation: true },
    });
    expect(status).toBe(201);
    const [row] = await app.db.query<{ spared: boolean }>(
      `SELECT (metadata ->> 'skip_logout_confirmation')::boolean AS spared FROM clients WHERE client_id = $1`,
      [body.client_id],
    );
    expect(row?.spared).toBe(false);
  });

  it.each([{}, SPARED])(
    "leaked hint: without the victim's cookie it has no effect on the session (threat-model#leaked-hint, client %o)",
    async (metadata) => {
      const { browser, client, tokens, url } = await aScene(metadata);
      const thief = app.browser();
      await expectNothingChanged(app, browser, client, tokens.access_token, async () => {
        const page = await thief.get(url);
        expect(page.status).toBe(200);
        expect(page.body).toContain('already signed out');
        await thief.submit(page, 'logout-yes');
      });
    },
  );

  it("leaked hint: in the thief's own session it ends the thief's session at most (threat-model#leaked-hint)", async () => {
    const victim = await aScene();
    const thief = await aScene();
    await expectNothingChanged(app, victim.browser, victim.client, victim.tokens.access_token, async () => {
      await thief.browser.submit(
        await thief.browser.get(endSessionUrl({ access_token_hint: victim.tokens.access_token })),
        'logout-no',
      );
    });
    await thief.browser.submit(await thief.browser.get(victim.url), 'logout-yes');
    expect(await app.isActive(victim.client, victim.tokens.access_token)).toBe(true);
    expect(await promptNone(app, victim.browser, victim.client)).toBe('code');
    expect(await app.isActive(thief.client, thief.tokens.access_token)).toBe(false);
  });
});
