import { terminationsOf } from '../back-channel-logout/scene.js';
import { TestApp, type Tokens } from '../support/app.js';
import type { Page } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { anApplication, endSessionUrl, expectNothingChanged, promptNone, SIGNED_OUT_URI } from './end-session.js';

const HEADLESS = { headless_logout: true };
const PATH = '/session/end_session';

describe('logout by a hint alone, as SDKs without a browser send it (headless_logout)', () => {
  let app: TestApp;
  let party: StubRelyingParty;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
  });
  afterAll(() => Promise.all([app.stop(), party.stop()]));

  async function aScene(metadata: Record<string, unknown> = HEADLESS) {
    const { id, login } = await app.createAccount();
    const client = await anApplication(app, metadata);
    const browser = app.browser();
    return { id, login, client, browser, tokens: await app.signInTo(browser, client, login) };
  }
  type Scene = Awaited<ReturnType<typeof aScene>>;

  type Send = (parameters: Record<string, string>) => Promise<Page>;
  const WAYS: readonly (readonly [string, () => Send])[] = [
    ['GET', () => (parameters) => app.browser().get(endSessionUrl(parameters))],
    ['POST with an empty body', () => (parameters) => app.browser().post(endSessionUrl(parameters), {})],
    ['POST of a form', () => (parameters) => app.browser().post(PATH, parameters)],
  ];
  const accessToken = ({ access_token }: Tokens) => ({ access_token_hint: access_token });
  const idToken = ({ id_token }: Tokens) => ({ id_token_hint: id_token });

  async function expectEnded({ id, client, browser, tokens }: Scene): Promise<void> {
    expect(await app.isActive(client, tokens.access_token)).toBe(false);
    expect((await app.refresh(client, tokens.refresh_token)).status).toBe(400);
    expect(await promptNone(app, browser, client)).toBe('login_required');
    expect(await terminationsOf(app, id)).toMatchObject([
      { cause: 'end_session', initiator: { kind: 'client', clientId: client.clientId }, sessions: 1 },
    ]);
  }

  describe.each(WAYS)('by %s', (_way, send) => {
    it.each([
      ['an access token', HEADLESS, accessToken],
      ['an opaque access token', { ...HEADLESS, access_token_format: 'opaque' }, accessToken],
      ['an ID token', HEADLESS, idToken],
      ['both', HEADLESS, (tokens: Tokens) => ({ ...accessToken(tokens), ...idToken(tokens) })],
    ])('%s that is good ends its session and leads to the registered URI', async (_hint, metadata, hint) => {
      const scene = await aScene(metadata);
      const other = await app.signInTo(app.browser(), scene.client, scene.login);
      const answer = await send()({ ...hint(scene.tokens), post_logout_redirect_uri: SIGNED_OUT_URI, state: 's' });
      expect([answer.status, answer.location]).toEqual([303, `${SIGNED_OUT_URI}?state=s`]);
      await expectEnded(scene);
      expect(await app.isActive(scene.client, other.access_token)).toBe(true);
    });

    it.each([
      ['without a URI', {}],
      ['with one that is not registered', { post_logout_redirect_uri: 'https://evil.example.com/', state: 's' }],
    ])('answers 200 %s', async (_what, more) => {
      const scene = await aScene();
      const answer = await send()({ ...accessToken(scene.tokens), ...more });
      expect([answer.status, answer.location]).toEqual([200, undefined]);
      expect(answer.body).not.toContain('evil.example.com');
      await expectEnded(scene);
    });

    it.each<
      [string, Record<string, unknown>, (scene: Scene) => Promise<Record<string, string>> | Record<string, string>]
    >([
      ['of a client without the switch', {}, ({ tokens }) => accessToken(tokens)],
      ['of a client without the switch, an ID token', {}, ({ tokens }) => idToken(tokens)],
      ['that was never issued', HEADLESS, () => ({ access_token_hint: 'unknown' })],
      ['that is a refresh token', HEADLESS, ({ tokens }) => ({ access_token_hint: tokens.refresh_token })],
      ['beside a client_id alone', HEADLESS, ({ client }) => ({ client_id: client.clientId })],
      [
        'that contradicts the other hint',
        HEADLESS,
        async ({ tokens, client }) => {
          const { login } = await app.createAccount();
          return { ...accessToken(tokens), ...idToken(await app.signInTo(app.browser(), client, login)) };
        },
      ],
      ['that contradicts client_id', HEADLESS, ({ tokens }) => ({ ...accessToken(tokens), client_id: 'another' })],
    ])('a hint %s ends nothing', async (_what, metadata, parameters) => {
      const { client, browser, tokens, ...scene } = await aScene(metadata);
      const sent = await parameters({ client, browser, tokens, ...scene });
      await expectNothingChanged(app, browser, client, tokens.access_token, async () => {
        const answer = await send()(sent);
        expect([answer.status, answer.location]).toEqual([200, undefined]);
      });
    });

    it('a hint that has expired ends nothing: whoever has it may have found it', async () => {
      const { client, browser, tokens, login } = await aScene();
      app.clock.advance(app.settings.accessTokenTtlSeconds * 1000 + 1000);
      await send()(accessToken(tokens));
      expect(await promptNone(app, browser, client)).toBe('code');
      app.clock.advance(app.settings.idTokenTtlSeconds * 1000);
      await app.signInTo(browser, client, login);
      await send()(idToken(tokens));
      expect(await promptNone(app, browser, client)).toBe('code');
    });

    it('a hint that was revoked ends nothing', async () => {
      const { client, browser, tokens } = await aScene();
      await app.form('/revoke', { token: tokens.access_token }, client);
      await send()(accessToken(tokens));
      expect(await promptNone(app, browser, client)).toBe('code');
    });
  });

  it('tells the applications of the session, and repeating it is no error', async () => {
    const scene = await aScene();
    const told = await anApplication(app, { backchannel_logout_uri: party.backchannelLogoutUri });
    await app.signInTo(scene.browser, told, scene.login);
    const url = endSessionUrl({ ...idToken(scene.tokens), post_logout_redirect_uri: SIGNED_OUT_URI });
    for (const _time of [1, 2]) {
      const answer = await app.browser().get(url);
      expect([answer.status, answer.location]).toEqual([303, SIGNED_OUT_URI]);
    }
    await app.sendDue();
    expect(party.received.map(({ claims }) => [claims.aud, claims.sub])).toEqual([[told.clientId, scene.id]]);
    await expectEnded(scene);
  });

  it('in the browser of that very session it needs no dialog either', async () => {
    const scene = await aScene();
    const answer = await scene.browser.get(
      endSessionUrl({ ...accessToken(scene.tokens), post_logout_redirect_uri: SIGNED_OUT_URI }),
    );
    expect([answer.status, answer.location]).toEqual([303, SIGNED_OUT_URI]);
    expect(scene.browser.cookie('exeunt_session')).toBeUndefined();
    expect(await app.isActive(scene.client, scene.tokens.access_token)).toBe(false);
  });

  it.each<[string, (victim: Scene, stranger: Scene) => Promise<{ readonly status: number }>]>([
    ['in a browser where somebody else is signed in', (v, s) => s.browser.get(endSessionUrl(accessToken(v.tokens)))],
    [
      'by an image on a page',
      (v) => app.browser({ 'sec-fetch-dest': 'image' }).get(endSessionUrl(accessToken(v.tokens))),
    ],
    [
      'by HEAD',
      (v) => fetch(app.issuer + endSessionUrl(accessToken(v.tokens)), { method: 'HEAD', redirect: 'manual' }),
    ],
  ])('acts not %s', async (_where, send) => {
    const [victim, stranger] = [await aScene(), await aScene()];
    await expectNothingChanged(app, victim.browser, victim.client, victim.tokens.access_token, async () => {
      expect([200, 405]).toContain((await send(victim, stranger)).status);
    });
    expect(await app.isActive(stranger.client, stranger.tokens.access_token)).toBe(true);
  });

  describe('the switch', () => {
    it('is off by default, and is not for a client that registers itself, at once or later', async () => {
      const { clientId } = await anApplication(app);
      const token = await app.adminToken();
      const { body: registered } = await app.json('GET', `/admin/v1/clients/${clientId}`, { token });
      expect(registered.headless_logout).toBe(false);
      const metadata = { redirect_uris: ['https://app.example.com/cb'], ...HEADLESS };
      const { body } = await app.json('POST', '/register', { token: await app.adminToken(), body: metadata });
      expect(body.headless_logout).toBe(false);
      const own = { token: String(body.registration_access_token) };
      const path = `/register/${String(body.client_id)}`;
      const changed = await app.json('PUT', path, { ...own, body: { ...metadata, client_id: body.client_id } });
      expect([changed.status, changed.body.headless_logout]).toEqual([200, false]);
    });

    it('is set by an administrator, and kept when the client changes the rest', async () => {
      const token = await app.adminToken();
      const metadata = { redirect_uris: ['https://app.example.com/cb'] };
      const { body } = await app.json('POST', '/register', { token, body: metadata });
      const clientId = String(body.client_id);
      const path = `/admin/v1/clients/${clientId}`;
      const changed = await app.json('PATCH', path, { token, body: HEADLESS });
      expect([changed.status, changed.body.headless_logout]).toEqual([200, true]);
      expect((await app.json('PATCH', path, { token, body: { headless_logout: 'yes' } })).status).toBe(400);
      const own = { token: String(body.registration_access_token), body: { ...metadata, client_id: clientId } };
      expect((await app.json('PUT', `/register/${clientId}`, own)).body.headless_logout).toBe(true);
    });
  });
});
