import { pkce, TestApp, type TestClient } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';

const { challenge } = pkce();
const PKCE = { code_challenge: challenge, code_challenge_method: 'S256' };

describe('what an application gets that proves nothing (RFC 8252 §8.6)', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  const publicClient = (redirectUri: string, metadata: Record<string, unknown> = {}): Promise<TestClient> =>
    app.createClient({
      application_type: redirectUri.startsWith('https:') ? 'web' : 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: [redirectUri],
      ...metadata,
    });

  async function signedIn(): Promise<{ browser: Browser; login: string }> {
    const { login } = await app.createAccount();
    const browser = app.browser();
    await app.codeFor(browser, await app.createClient(), login);
    return { browser, login };
  }

  const ask = (browser: Browser, client: TestClient, more: Record<string, string> = {}): Promise<Page> =>
    browser.get(app.authorizeUrl(client, { ...PKCE, ...more }));

  describe.each(['com.example.app:/cb', 'http://127.0.0.1/cb', 'http://[::1]/cb', 'http://localhost:8080/cb'])(
    'at %s',
    (redirectUri) => {
      it.each([true, false])(
        'nothing without the person, whatever was allowed before (skip_consent: %s)',
        async (skip) => {
          const client = await publicClient(redirectUri, { skip_consent: skip });
          const { browser } = await signedIn();
          for (const time of [1, 2]) {
            const silent = await ask(browser, client, { prompt: 'none' });
            expect([silent.query.get('code'), silent.query.get('error')]).toEqual([null, 'consent_required']);
            const question = await browser.follow(await ask(browser, client));
            expect(question.has('consent-submit')).toBe(true);
            expect(await app.db.query('SELECT 1 FROM grants WHERE client_id = $1', [client.clientId])).toHaveLength(
              time - 1,
            );
            expect((await browser.submit(question, 'consent-submit')).query.get('code')).toBeTruthy();
          }
        },
      );

      it('a code at once for who has just signed in for it: that was the person', async () => {
        const client = await publicClient(redirectUri);
        const { login } = await app.createAccount();
        const browser = app.browser();
        const page = await app.signIn(browser, await ask(browser, client), login);
        expect(page.query.get('code')).toBeTruthy();
      });
    },
  );

  it('a code without a question where an https address is claimed, or where a secret proves who asks', async () => {
    const { browser } = await signedIn();
    const claimed = await publicClient('https://app.example.com/cb');
    const secret = await app.createClient({ application_type: 'native', redirect_uris: ['com.example.app:/cb'] });
    for (const client of [claimed, secret])
      expect((await ask(browser, client, { prompt: 'none' })).query.get('code')).toBeTruthy();
  });
});

describe('what an application learns and does that has registered itself', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start({ registration: 'open' });
  });
  afterAll(() => app.stop());

  async function register(metadata: Record<string, unknown> = {}): Promise<TestClient> {
    const redirectUri = 'https://evil.example/cb';
    const { status, body } = await app.json('POST', '/register', {
      body: { client_name: 'Ledger', redirect_uris: [redirectUri], ...metadata },
    });
    expect(status).toBe(201);
    return { clientId: String(body.client_id), clientSecret: String(body.client_secret), redirectUri };
  }

  async function signedIn() {
    const account = await app.createAccount();
    const browser = app.browser();
    const own = await app.createClient();
    const { id_token: idToken } = await app.signInTo(browser, own, account.login);
    return { browser, ...account, idToken };
  }

  const links = (page: Page): string[] =>
    [...page.body.matchAll(/<a\s[^>]*?href="([^"]*)"/g)].map(([, href = '']) => href);

  it('its question shows the host that gets the answer, and nothing that it only claims', async () => {
    const client = await register({
      client_uri: 'https://ledger.example.com',
      logo_uri: 'https://ledger.example.com/logo.png',
      policy_uri: 'https://ledger.example.com/privacy',
      tos_uri: 'https://evil.example/terms',
    });
    const { browser } = await signedIn();
    const question = await browser.follow(await browser.get(app.authorizeUrl(client)));
    expect(question.has('consent-submit')).toBe(true);
    expect(question.body).toContain('<strong>evil.example</strong>');
    expect(question.body).toContain('not verified');
    expect(question.body).not.toContain('ledger.example.com');
    expect(question.headers.get('content-security-policy')).not.toContain('ledger.example.com');
    expect(links(question)).toEqual(['https://evil.example/terms']);
  });

  it('the question of one that an administrator registered shows what was vouched for', async () => {
    const client = await app.createClient({
      skip_consent: false,
      redirect_uris: ['https://api.example.com/cb'],
      client_uri: 'https://ledger.example.com/',
    });
    const { browser } = await signedIn();
    const question = await browser.follow(await browser.get(app.authorizeUrl(client)));
    expect(question.body).toContain('<strong>api.example.com</strong>');
    expect(question.body).not.toContain('not verified');
    expect(links(question)).toEqual(['https://ledger.example.com/']);
  });

  describe('a request that is wrong', () => {
    const WRONG = { response_type: 'nonsense', state: 's' };

    it('takes nobody there without a click, signed in or not', async () => {
      const client = await register();
      const { browser } = await signedIn();
      for (const who of [browser, app.browser()])
        for (const more of [{}, { prompt: 'none' }]) {
          const page = await who.get(app.authorizeUrl(client, { ...WRONG, ...more }));
          expect([page.status, page.location, page.headers.get('refresh')]).toEqual([400, undefined, null]);
          const [, there = ''] = links(page);
          expect(there.replaceAll('&amp;', '&')).toMatch(
            /^https:\/\/evil\.example\/cb\?error=unsupported_response_type&.*&state=s&/,
          );
        }
    });

    it('is posted by a click where it is to be posted', async () => {
      const client = await register();
      const page = await app.browser().get(app.authorizeUrl(client, { ...WRONG, response_mode: 'form_post' }));
      expect(page.status).toBe(400);
      expect(page.formWith('continue')).toMatchObject({
        action: 'https://evil.example/cb',
        fields: { error: 'unsupported_response_type', state: 's', iss: app.issuer },
      });
      expect(page.body).not.toContain('prototype.submit');
    });

    it('is answered at once to one that the person allowed something, and to one that was registered for people', async () => {
      const client = await register();
      const { browser } = await signedIn();
      const question = await browser.follow(await browser.get(app.authorizeUrl(client)));
      await browser.submit(question, 'consent-submit');
      const known = await browser.get(app.authorizeUrl(client, WRONG));
      expect([known.status, known.query.get('error')]).toEqual([303, 'unsupported_response_type']);
      const registered = await app.browser().get(app.authorizeUrl(await app.createClient(), WRONG));
      expect(registered.status).toBe(303);
    });

    it('what is merely not offered, and a right request for no page, are answered as the specification has it', async () => {
      const client = await register();
      const silent = await app.browser().get(app.authorizeUrl(client, { prompt: 'none' }));
      expect(silent.query.get('error')).toBe('login_required');
      const object = await app.browser().get(app.authorizeUrl(client, { request: 'e30.e30.' }));
      expect(object.query.get('error')).toBe('request_not_supported');
    });
  });

  describe('whom it asks about', () => {
    it('is not told before that person has allowed it something: by claims and by id_token_hint', async () => {
      const client = await register();
      const [mia, otto] = [await signedIn(), await signedIn()];
      const answers: (string | null)[] = [];
      for (const about of [mia, otto]) {
        const claims = JSON.stringify({ id_token: { sub: { value: about.id } } });
        for (const more of [{ claims }, { id_token_hint: about.idToken }]) {
          const page = await mia.browser.get(app.authorizeUrl(client, { prompt: 'none', ...more }));
          answers.push(page.query.get('error'), page.query.get('error_description'));
        }
      }
      expect(new Set(answers.filter((_, at) => at % 2 === 0))).toEqual(new Set(['login_required']));
      expect(new Set(answers.filter((_, at) => at % 2 === 1)).size).toBe(1);
    });

    it('is told after that', async () => {
      const client = await register();
      const [mia, otto] = [await signedIn(), await signedIn()];
      const question = await mia.browser.follow(await mia.browser.get(app.authorizeUrl(client)));
      await mia.browser.submit(question, 'consent-submit');
      const about = (idToken: string) =>
        mia.browser.get(app.authorizeUrl(client, { prompt: 'none', id_token_hint: idToken }));
      expect((await about(mia.idToken)).query.get('code')).toBeTruthy();
      expect((await about(otto.idToken)).query.get('error')).toBe('login_required');
    });
  });
});
