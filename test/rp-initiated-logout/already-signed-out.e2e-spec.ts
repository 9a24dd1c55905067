import { TestApp, type Tokens } from '../support/app.js';
import { HOUR } from '../support/clock.js';
import type { Browser } from '../support/http.js';
import {
  anApplication,
  endSessionUrl,
  promptNone,
  signOut,
  SIGNED_OUT_URI,
  type TestApplication,
} from './end-session.js';

describe('a browser in which nobody is signed in, with a hint of a session that is over', () => {
  let app: TestApp;
  let client: TestApplication;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await anApplication(app);
  });
  afterAll(() => app.stop());

  async function signedIn() {
    const { id, login } = await app.createAccount();
    const browser = app.browser();
    return { id, login, browser, tokens: await app.signInTo(browser, client, login) };
  }
  type Scene = Awaited<ReturnType<typeof signedIn>>;
  const asked = (tokens: Tokens, more: Record<string, string | undefined> = {}): string =>
    endSessionUrl({
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: SIGNED_OUT_URI,
      state: 'q 1',
      ...more,
    });

  it.each<[string, (scene: Scene) => Promise<unknown>]>([
    ['the person signed out in this browser', ({ browser }) => signOut(browser)],
    [
      'an administrator ended it',
      async ({ id }) => {
        const token = await app.adminToken();
        const { status } = await app.json('DELETE', `/admin/v1/sessions?account_id=${id}`, { token });
        expect(status).toBe(200);
      },
    ],
    ['it expired', async () => app.clock.advance(90 * 24 * HOUR)],
  ])('is led on at once, with state, when %s', async (_how, end) => {
    const scene = await signedIn();
    await end(scene);
    expect(await promptNone(app, scene.browser, client)).toBe('login_required');
    const before = await app.rowCounts();
    const page = await scene.browser.get(asked(scene.tokens));
    expect([page.status, page.location]).toEqual([303, `${SIGNED_OUT_URI}?state=q%201`]);
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(await app.rowCounts()).toEqual(before);
  });

  it('is led on after a POST too, and by an access token as hint', async () => {
    const { browser, tokens } = await signedIn();
    await signOut(browser);
    const fields = { id_token_hint: tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI };
    const posted = await browser.post('/session/end_session', fields);
    expect([posted.status, posted.location]).toEqual([303, SIGNED_OUT_URI]);
    const page = await browser.get(asked(tokens, { id_token_hint: undefined, access_token_hint: tokens.access_token }));
    expect([page.status, page.location]).toEqual([303, `${SIGNED_OUT_URI}?state=q%201`]);
  });

  it.each<[string, Record<string, string | undefined>]>([
    ['no hint', { id_token_hint: undefined }],
    ['no hint but a client_id', { id_token_hint: undefined, client_id: 'the client' }],
    ['a hint that is not good', { id_token_hint: 'garbage' }],
    ['no address', { post_logout_redirect_uri: undefined }],
    ['an address that is not registered', { post_logout_redirect_uri: 'https://evil.example.com/' }],
    ['an address with more than is registered', { post_logout_redirect_uri: `${SIGNED_OUT_URI}?a=1` }],
    ['a client_id that contradicts the hint', { client_id: 'another' }],
  ])('stays on our page with %s', async (_what, more) => {
    const { browser, tokens } = await signedIn();
    await signOut(browser);
    const named = more.client_id === 'the client' ? { ...more, client_id: client.clientId } : more;
    const page = await browser.get(asked(tokens, named));
    expect([page.status, page.location]).toEqual([200, undefined]);
    expect(page.body).toContain('already signed out');
  });

  async function expectAsked(browser: Browser, url: string): Promise<void> {
    const page = await browser.get(url);
    expect([page.status, page.location, page.has('logout-yes')]).toEqual([200, undefined, true]);
  }

  it('is not led on while the session of the hint goes on in another browser, nor past somebody who is signed in', async () => {
    const { login, browser, tokens } = await signedIn();
    await expectAsked(app.browser(), asked(tokens));
    expect(await promptNone(app, browser, client)).toBe('code');
    await signOut(browser);
    const again = await app.signInTo(browser, client, login);
    await expectAsked(browser, asked(tokens));
    expect(await app.isActive(client, again.access_token)).toBe(true);
  });
});
