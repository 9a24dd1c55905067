import { PASSWORD, TestApp, type TestClient } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';

const HTML = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
const CALLBACK = 'https://ledger.example.com/cb?tenant=1';
const BYE = 'https://ledger.example.com/bye?a="1"&b=2';

/** Where the page goes on to by itself. */
function goesTo(page: Page): URL {
  expect([page.status, page.location]).toEqual([200, undefined]);
  const [, url = ''] = /^0;url=(.+)$/.exec(page.headers.get('refresh') ?? '') ?? [];
  return new URL(url);
}

describe('how the answer to a form of ours leaves', () => {
  let app: TestApp;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient({
      redirect_uris: [CALLBACK],
      post_logout_redirect_uris: [BYE.replaceAll('"', '%22')],
      skip_consent: false,
    });
  });
  afterAll(() => app.stop());

  const form = async (browser: Browser): Promise<Page> => browser.follow(await browser.get(app.authorizeUrl(client)));

  it('is a page for a browser, which no policy of a form holds up, and which nobody stores or learns the address of', async () => {
    const { login } = await app.createAccount();
    const browser = app.browser(HTML);
    const consent = await app.signIn(browser, await form(browser), login);
    const page = await browser.submit(consent, 'consent-submit');
    const url = goesTo(page);
    expect(url.href.startsWith(`${CALLBACK}&code=`)).toBe(true);
    expect(page.body).toContain(`id="continue" href="${url.href.replaceAll('&', '&amp;')}"`);
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self';");
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.body).not.toContain('<script');
  });

  it('is a redirect for a program, which knows no such policy', async () => {
    const { login } = await app.createAccount();
    const browser = app.browser();
    const page = await browser.submit(await app.signIn(browser, await form(browser), login), 'consent-submit');
    expect([page.status, page.headers.get('refresh')]).toEqual([303, null]);
    expect(page.location?.startsWith(`${CALLBACK}&code=`)).toBe(true);
  });

  it('stays a redirect where no form of ours came before', async () => {
    const { login } = await app.createAccount();
    const browser = app.browser(HTML);
    await browser.submit(await app.signIn(browser, await form(browser), login), 'consent-submit');
    const silent = await browser.get(app.authorizeUrl(client));
    expect([silent.status, silent.query.has('code')]).toEqual([303, true]);
    const failed = await browser.post('/authorize', {
      client_id: client.clientId,
      redirect_uri: CALLBACK,
      response_type: 'nonsense',
    });
    expect([failed.status, failed.query.get('error')]).toEqual([303, 'unsupported_response_type']);
  });

  it.each(['login-cancel', 'consent-deny'])('takes the refusal %s the same way', async (button) => {
    const { login } = await app.createAccount();
    const browser = app.browser(HTML);
    let page = await form(browser);
    if (button === 'consent-deny') page = await app.signIn(browser, page, login);
    expect(goesTo(await browser.submit(page, button)).searchParams.get('error')).toBe('access_denied');
  });

  it.each(['logout-no', 'logout-client', 'logout-yes', 'logout-everywhere'])(
    'takes every answer to the logout dialog the same way: %s',
    async (button) => {
      const { login } = await app.createAccount();
      const browser = app.browser();
      const tokens = await app.signInTo(browser, client, login);
      const query = new URLSearchParams({
        id_token_hint: tokens.id_token,
        post_logout_redirect_uri: BYE.replaceAll('"', '%22'),
        state: "it's",
      });
      const dialog = await browser.get(`/session/end_session?${query}`);
      const { action, fields } = dialog.formWith(button);
      const page = await browser.post(action, fields, HTML);
      expect(goesTo(page).pathname).toBe('/bye');
      // To the byte as it was registered.
      expect(page.headers.get('refresh')).toBe("0;url=https://ledger.example.com/bye?a=%221%22&b=2&state=it's");
      expect(page.body).toContain('&amp;state=it&#39;s"');
    },
  );

  it('posts where the answer is to be posted, and lets that lead on anywhere', async () => {
    const { login } = await app.createAccount();
    const browser = app.browser(HTML);
    const asked = await browser.get(app.authorizeUrl(client, { response_mode: 'form_post' }));
    const page = await browser.submit(await app.signIn(browser, asked, login), 'consent-submit');
    expect([page.status, page.headers.get('refresh')]).toEqual([200, null]);
    expect(page.body).toContain(`action="${CALLBACK}"`);
    expect(page.headers.get('content-security-policy')).not.toContain('form-action');
  });

  it('names nobody else in the policy of any page with a form', async () => {
    const { login } = await app.createAccount();
    const browser = app.browser(HTML);
    const signIn = await form(browser);
    const wrong = await app.signIn(browser, signIn, login, `not ${PASSWORD}`);
    const consent = await app.signIn(browser, signIn, login);
    for (const page of [signIn, wrong, consent]) {
      expect(page.body).toContain('<form');
      expect(page.headers.get('content-security-policy')).toContain("form-action 'self';");
    }
  });
});
