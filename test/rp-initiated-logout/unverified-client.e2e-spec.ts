import { TestApp } from '../support/app.js';
import type { Page } from '../support/http.js';
import { anApplication, endSessionUrl, promptNone, SIGNED_OUT_URI, type TestApplication } from './end-session.js';

/** RP-Initiated Logout 1.0 §2, §3: `client_id` without a hint is nobody's proof, so the way back is a link. */
describe('an application that is named by client_id alone', () => {
  let app: TestApp;
  let ledger: TestApplication;

  beforeAll(async () => {
    app = await TestApp.start();
    ledger = await anApplication(app);
  });
  afterAll(() => app.stop());

  async function signedIn() {
    const { login } = await app.createAccount();
    const browser = app.browser();
    return { browser, tokens: await app.signInTo(browser, ledger, login) };
  }
  const named = (more: Record<string, string> = {}): string =>
    endSessionUrl({ client_id: ledger.clientId, post_logout_redirect_uri: SIGNED_OUT_URI, state: 'a b', ...more });
  const LINK = `href="${SIGNED_OUT_URI}?state=a%20b"`;
  function expectLink(page: Page): void {
    expect([page.status, page.location, page.headers.get('refresh')]).toEqual([200, undefined, null]);
    expect(page.body).toContain(LINK);
    expect(page.body).toContain('Continue to Ledger');
    expect(page.body).not.toContain('http-equiv');
  }

  it.each<Record<string, string>>([{}, { access_token_hint: 'unknown' }, { id_token_hint: 'garbage' }])(
    'gets a link after the person signed out, and no redirect (beside %o)',
    async (more) => {
      const { browser } = await signedIn();
      const dialog = await browser.get(named(more));
      expect(dialog.body).not.toContain(SIGNED_OUT_URI);
      expect(dialog.body).toContain('could not verify who asked for this');
      expect(dialog.body).toContain('The next page has a link to Ledger.');
      expect(dialog.has('logout-client')).toBe(false);
      expectLink(await browser.submit(dialog, 'logout-yes'));
      expect(await promptNone(app, browser, ledger)).toBe('login_required');
    },
  );

  it('the same after the person stayed, after they signed out everywhere, and for whoever was signed out already', async () => {
    const { browser } = await signedIn();
    expectLink(await browser.submit(await browser.get(named()), 'logout-no'));
    expect(await promptNone(app, browser, ledger)).toBe('code');
    expectLink(await browser.submit(await browser.get(named()), 'logout-everywhere'));
    const again = await browser.get(named());
    expect([again.status, again.location]).toEqual([200, undefined]);
    expect(again.body).not.toContain(SIGNED_OUT_URI);
    expectLink(await browser.submit(again, 'logout-yes'));
  });

  it.each<[string, () => Record<string, string> | Promise<Record<string, string>>]>([
    ['an address that is not registered', () => ({ post_logout_redirect_uri: 'https://evil.example.com/' })],
    ["another application's address", () => ({ client_id: 'nobody' })],
    [
      "another application's hint",
      async () => {
        const elsewhere = await anApplication(app, { post_logout_redirect_uris: ['https://other.example.com/'] });
        const { login } = await app.createAccount();
        return { id_token_hint: (await app.signInTo(app.browser(), elsewhere, login)).id_token };
      },
    ],
  ])('no link for %s', async (_what, parameters) => {
    const { browser } = await signedIn();
    const more = await parameters();
    const done = await browser.submit(await browser.get(named(more)), 'logout-yes');
    expect([done.status, done.location]).toEqual([200, undefined]);
    expect(done.body).not.toContain('id="continue"');
    expect(done.body).not.toContain('evil.example.com');
  });

  it('a link that somebody writes into the form is not taken: what the dialog was shown for is sealed', async () => {
    const { browser } = await signedIn();
    const dialog = await browser.get(endSessionUrl({ client_id: ledger.clientId }));
    const done = await browser.submit(dialog, 'logout-yes', { post_logout_redirect_uri: SIGNED_OUT_URI });
    expect(done.body).not.toContain(SIGNED_OUT_URI);
  });
});
