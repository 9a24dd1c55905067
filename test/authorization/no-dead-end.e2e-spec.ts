import { connect } from 'node:net';
import { Retention } from '../../src/platform/database/retention.js';
import { PASSWORD, TestApp, type TestClient } from '../support/app.js';
import { MINUTE } from '../support/clock.js';
import type { Browser, Page } from '../support/http.js';

const HTML = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' };
const HOUR = 60 * MINUTE;

/** Where the page goes by itself. */
const goesTo = (page: Page): string | undefined => /^0;url=(.+)$/.exec(page.headers.get('refresh') ?? '')?.[1];
const links = (page: Page): string[] => [...page.body.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href = '']) => href);

describe('nobody is left at a page that leads nowhere', () => {
  let app: TestApp;
  let client: TestClient;
  let known: TestClient;
  let startable: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient();
    known = await app.createClient({ client_name: 'Calendar', client_uri: 'https://calendar.example.com/' });
    startable = await app.createClient({
      client_uri: 'https://wiki.example.com/',
      initiate_login_uri: 'https://wiki.example.com/login?from=sso',
    });
  });
  afterAll(() => app.stop());

  const sessionsOf = (id: string) => app.db.query('SELECT 1 FROM sessions WHERE account_id = $1', [id]);

  async function atTheForm(asking: TestClient, parameters: Record<string, string> = {}, browser = app.browser()) {
    const { location = '' } = await browser.get(app.authorizeUrl(asking, parameters));
    const form = await browser.get(location);
    const account = await app.createAccount();
    const submit = (password = PASSWORD): Promise<Page> =>
      browser.submit(form, 'login-submit', { login: account.login, password });
    return { browser, location, form, account, submit };
  }

  /** Goes where the page goes by itself, until that is an application. */
  async function onward(browser: Browser, page: Page): Promise<Page> {
    expect([page.status, page.location]).toEqual([400, undefined]);
    return browser.follow(await browser.get(goesTo(page) ?? 'nowhere'));
  }

  describe('Back, a bookmark or a reload after signing in', () => {
    it('leads on to the application, with a new code', async () => {
      const { browser, location, submit } = await atTheForm(client);
      const first = (await submit()).query.get('code');
      const back = await browser.get(location);
      expect(back.body).toContain('This sign-in is finished');
      const there = await onward(browser, back);
      expect(there.location?.startsWith(`${client.redirectUri}?code=`)).toBe(true);
      expect(there.query.get('code')).not.toBe(first);
      expect(there.query.get('state')).toBe('a-state');
    });

    it('leads to where the application begins a sign-in, if it has said where (Core §4)', async () => {
      const { browser, location, submit } = await atTheForm(startable);
      await submit();
      const back = await browser.get(location);
      const url = `https://wiki.example.com/login?from=sso&iss=${encodeURIComponent(app.issuer)}`;
      expect(goesTo(back)).toBe(url);
      expect(links(back)).toEqual([url.replaceAll('&', '&amp;'), '/']);
    });

    it('asks again who is signed out by then', async () => {
      const { browser, location, submit } = await atTheForm(known);
      await submit();
      await browser.submit(await browser.get('/session/end_session'), 'logout-yes');
      const back = await browser.get(location);
      expect(links(back)).toContain('https://calendar.example.com/');
      expect((await onward(browser, back)).has('login-submit')).toBe(true);
    });

    it('asks again for a password where the application wanted a new one', async () => {
      const { browser, location, submit } = await atTheForm(client, { prompt: 'login' });
      await submit();
      app.clock.advance(2 * MINUTE);
      expect((await onward(browser, await browser.get(location))).has('login-submit')).toBe(true);
    });

    it('leads to the own sessions who came for those', async () => {
      const browser = app.browser();
      const { login } = await app.createAccount();
      const { location = '' } = await browser.get('/account/sessions');
      await browser.submit(await browser.get(location), 'login-submit', { login, password: PASSWORD });
      expect(goesTo(await browser.get(location))).toBe('/account/sessions');
    });

    it('sends nobody anywhere once the application is switched off', async () => {
      const off = await app.createClient({ client_uri: 'https://off.example.com/' });
      const { browser, location, submit } = await atTheForm(off);
      await submit();
      await app.json('POST', `/admin/v1/clients/${off.clientId}/disable`, { token: await app.adminToken() });
      const back = await browser.get(location);
      expect([back.status, goesTo(back), links(back)]).toEqual([400, undefined, ['/']]);
      expect((await browser.get(`${location}/again`)).status).toBe(400);
    });
  });

  describe('a double click', () => {
    it('on "Sign in" begins one session, and the second answer leads to the application', async () => {
      const { browser, account, submit } = await atTheForm(client);
      await submit();
      // The browser threw the first answer away, and its cookie with it.
      browser.setCookie('exeunt_session', undefined);
      const there = await onward(browser, await submit());
      expect(there.query.get('code')).toBeTruthy();
      expect(await sessionsOf(account.id)).toHaveLength(1);
    });

    it('begins one session also when both forms arrive at the same time', async () => {
      const { browser, form, account } = await atTheForm(client);
      const { action, fields } = form.formWith('login-submit');
      const cookie = `exeunt_browser=${browser.cookie('exeunt_browser')}`;
      const answers = await Promise.all(
        [1, 2, 3].map(() => {
          const click = app.browser({ cookie });
          return click.post(action, { ...fields, login: account.login, password: PASSWORD });
        }),
      );
      expect(answers.filter(({ location }) => location?.startsWith(client.redirectUri))).toHaveLength(1);
      expect(answers.filter((page) => goesTo(page) !== undefined)).toHaveLength(2);
      expect(await sessionsOf(account.id)).toHaveLength(1);
    });

    it('asks nobody twice for a password, even where the application wants a new one', async () => {
      const { browser, submit } = await atTheForm(client, { prompt: 'login' });
      await submit();
      browser.setCookie('exeunt_session', undefined);
      expect((await onward(browser, await submit())).query.get('code')).toBeTruthy();
    });

    it('with a wrong password the second time says so and ends nothing', async () => {
      const { browser, account, submit } = await atTheForm(client);
      await submit();
      const wrong = await submit('not the password');
      expect([wrong.status, wrong.has('login-submit')]).toEqual([400, true]);
      expect(await sessionsOf(account.id)).toHaveLength(1);
      expect((await browser.get(app.authorizeUrl(client, { prompt: 'none' }))).query.get('code')).toBeTruthy();
    });

    it('on "Allow" leads on, on "Don’t allow" and on "Back" says no once more', async () => {
      const asking = await app.createClient({ skip_consent: false });
      const { browser, form, submit } = await atTheForm(asking);
      for (const _ of [1, 2])
        expect((await browser.submit(form, 'login-cancel')).query.get('error')).toBe('access_denied');
      const consent = await onward(browser, await submit());
      for (const _ of [1, 2])
        expect((await browser.submit(consent, 'consent-deny')).query.get('error')).toBe('access_denied');
      const again = await browser.follow(await browser.get(app.authorizeUrl(asking)));
      expect((await browser.submit(again, 'consent-submit')).query.get('code')).toBeTruthy();
      expect((await onward(browser, await browser.submit(again, 'consent-submit'))).query.get('code')).toBeTruthy();
    });
  });

  describe('somebody who comes late', () => {
    it('is led on to the form, with the same request', async () => {
      const { browser, location } = await atTheForm(client, { state: 'kept' });
      app.clock.advance(2 * HOUR);
      const late = await browser.get(location);
      expect(late.body).toContain('This sign-in has lapsed');
      const form = await onward(browser, late);
      const { login } = await app.createAccount();
      expect((await app.signIn(browser, form, login)).query.get('state')).toBe('kept');
    });

    it('is signed in by the form that was open all night', async () => {
      const { browser, submit } = await atTheForm(client);
      app.clock.advance(9 * HOUR);
      expect((await onward(browser, await submit())).query.get('code')).toBeTruthy();
    });

    it('cannot allow by a consent that was open all night, and is asked again', async () => {
      const asking = await app.createClient({ skip_consent: false });
      const { browser, account, submit } = await atTheForm(asking);
      const consent = await submit();
      app.clock.advance(2 * HOUR);
      const late = await browser.submit(consent, 'consent-submit');
      expect(await app.db.query('SELECT 1 FROM consents WHERE account_id = $1', [account.id])).toEqual([]);
      expect((await onward(browser, late)).has('consent-submit')).toBe(true);
    });
  });

  describe('another browser', () => {
    it.each([
      ['to the application’s home', () => known, 'https://calendar.example.com/'],
      ['to where it begins a sign-in', () => startable, 'https://wiki.example.com/login?from=sso&amp;iss='],
    ])('with the bookmark of a sign-in is shown a link %s, and sent nowhere', async (_name, which, url) => {
      const { location } = await atTheForm(which());
      const before = await app.rowCounts();
      const theirs = await app.browser().get(location);
      expect([theirs.status, goesTo(theirs)]).toEqual([400, undefined]);
      expect(links(theirs)[0]?.startsWith(url)).toBe(true);
      expect(await app.rowCounts()).toEqual(before);
    });

    it('finds the link even when nothing is left of the sign-in', async () => {
      const { location, browser } = await atTheForm(known);
      app.clock.advance(26 * HOUR);
      for (const who of [browser, app.browser()]) expect(links(await who.get(location))[0]).toContain('calendar');
    });

    it('begins the same request anew where the application has said nothing of itself', async () => {
      const { location } = await atTheForm(client);
      const theirs = app.browser();
      const [again = ''] = links(await theirs.get(location));
      const form = await theirs.follow(await theirs.get(again));
      const { login } = await app.createAccount();
      expect((await app.signIn(theirs, form, login)).query.get('code')).toBeTruthy();
    });

    it.each(['nonsense', 'x'.repeat(200), '%00', `${'A'.repeat(43)}%E0%A4`])(
      'with an address of no sign-in, %j, gets to the front page',
      async (id) => {
        const page = await app.browser(HTML).get(`/interaction/${id}`);
        expect(page.status).toBe(400);
        expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
        expect(links(page)).toEqual(['/']);
      },
    );
  });

  it('a form without our token leads to its page again, and nothing happens', async () => {
    const { browser, form, account, location } = await atTheForm(client);
    const { action } = form.formWith('login-submit');
    const refused = await browser.post(action, { login: account.login, password: PASSWORD });
    expect([refused.status, links(refused)]).toEqual([403, [location.replace(app.issuer, ''), '/']]);
    expect(await sessionsOf(account.id)).toEqual([]);
  });

  it('a redirect URI that is not registered leads to the application as it is registered, by a link', async () => {
    const page = await app.browser().get(app.authorizeUrl(known, { redirect_uri: 'https://evil.example.com/' }));
    expect([page.status, goesTo(page)]).toEqual([400, undefined]);
    expect(links(page)).toEqual(['https://calendar.example.com/', '/']);
    expect(page.body).not.toContain('evil');
  });

  describe('an address that does not exist', () => {
    it.each(['/nope', '/account', '/interaction', '/session/end_sessions', '/console/nope', '/a/b/c?d=<e>'])(
      '%s is a page with a way home for a person, JSON for a program',
      async (path) => {
        const page = await app.browser(HTML).get(path);
        expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
        expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
        expect(links(page)).toEqual(['/']);
        const answer = await app.json('GET', path);
        expect([answer.status, answer.body.error]).toEqual([404, 'not_found']);
      },
    );

    it('is JSON under an address for programs, whatever their HTTP library says that it likes', async () => {
      const java = { accept: 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2' };
      for (const path of ['/admin/v1/nope', '/token', '/.well-known/nope'])
        expect((await app.browser(java).get(path)).headers.get('content-type')).toContain('application/json');
      const person = 'Host: localhost\r\nSec-Fetch-Mode: navigate\r\nConnection: close\r\n\r\n';
      expect(await raw(`GET /admin/v1/nope HTTP/1.1\r\n${person}`)).toContain('Content-Type: text/html');
    });
  });

  it.each([1001, 30_000])('a password of %i characters is answered by the form', async (length) => {
    const { browser, form, account } = await atTheForm(client);
    const answer = await browser.submit(form, 'login-submit', { login: account.login, password: 'x'.repeat(length) });
    expect([answer.status, answer.has('login-submit')]).toEqual([400, true]);
    expect(answer.body).toContain('longer than any');
    expect((await browser.submit(answer, 'login-submit', { login: account.login, password: PASSWORD })).status).toBe(
      303,
    );
  });

  it('a form too large to be read is answered by a page', async () => {
    const { form } = await atTheForm(client);
    const { action, fields } = form.formWith('login-submit');
    const page = await app.browser(HTML).post(action, { ...fields, password: 'x'.repeat(100_000) });
    expect([page.status, page.headers.get('content-type'), links(page)]).toEqual([
      413,
      'text/html; charset=utf-8',
      ['/'],
    ]);
  });

  describe('many cookies of other services on the same host', () => {
    it('are read up to 60 KB', async () => {
      const { status } = await app.browser({ cookie: `other=${'x'.repeat(60_000)}` }).get('/');
      expect(status).toBe(200);
    });

    it('beyond that are answered by a page that says what to do', async () => {
      const answer = await raw(`GET / HTTP/1.1\r\nHost: localhost\r\nCookie: other=${'x'.repeat(70_000)}\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 431 /);
      expect(answer).toContain('Content-Type: text/html');
      expect(answer).toContain('Delete the cookies of this site');
      expect(answer).toContain('href="/"');
    });

    it('what is not HTTP at all is answered as Node answers it, with an id', async () => {
      const lines = (await raw('NONSENSE\r\n\r\n')).split('\r\n');
      expect(lines).toEqual([
        'HTTP/1.1 400 Bad Request',
        'Connection: close',
        expect.stringMatching(/^X-Request-Id: [\w.-]+$/),
        '',
        '',
      ]);
    });
  });

  function raw(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(app.settings.port, 'localhost', () => socket.write(request));
      let answer = '';
      socket.on('data', (chunk) => (answer += String(chunk)));
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  }

  it('an interaction that is over is kept for a day, and then forgotten', async () => {
    const { browser, location, submit } = await atTheForm(client);
    await submit();
    app.clock.advance(26 * HOUR);
    await app.app.get(Retention).sweep();
    const back = await browser.get(location);
    expect([back.status, goesTo(back)]).toEqual([400, undefined]);
  });
});
