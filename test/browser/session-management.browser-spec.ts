import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { PASSWORD, TestApp, type TestAccount, type TestClient } from '../support/app.js';
import { launchChromium, launchWithFrameCookies, Visitor } from './chromium.js';
import { StubApplication, tlsInFrontOf } from './stub-application.js';

/** As an application's page does it: loads the frame, posts to it, and waits for the answer (§3.1). */
async function ask(page: Page, frame: string, message: unknown): Promise<{ word: unknown; origin: string }> {
  return page.evaluate(
    ({ src, text }) =>
      new Promise<{ word: unknown; origin: string }>((resolve) => {
        const iframe = document.createElement('iframe');
        iframe.hidden = true;
        iframe.src = src;
        addEventListener(
          'message',
          (event) => {
            iframe.remove();
            resolve({ word: event.data, origin: event.origin });
          },
          { once: true },
        );
        iframe.addEventListener('load', () => iframe.contentWindow?.postMessage(text, new URL(src).origin));
        document.body.append(iframe);
      }),
    { src: frame, text: message },
  );
}

describe('session management in a browser (Session Management 1.0 §3)', () => {
  let chromium: Browser;
  let app: TestApp;
  let wiki: StubApplication;
  /** Same site, another origin. */
  let neighbour: StubApplication;
  /** Another site, from which http://localhost keeps its cookies. */
  let foreign: StubApplication;
  let client: TestClient;
  let account: TestAccount;

  beforeAll(async () => {
    [chromium, app, wiki, neighbour, foreign] = await Promise.all([
      launchChromium(),
      TestApp.start(),
      StubApplication.start('localhost'),
      StubApplication.start('localhost'),
      StubApplication.start('127.0.0.1'),
    ]);
    client = await app.createClient({ client_name: 'Wiki', ...wiki.metadata });
  });
  beforeEach(async () => {
    account = await app.createAccount();
  });
  afterAll(async () => {
    await chromium.close();
    await Promise.all([app.stop(), wiki.stop(), neighbour.stop(), foreign.stop()]);
  });

  const frame = (): string => `${app.issuer}/session/check_session`;
  /** Leaves the visitor at the application's page; returns what it posts. */
  async function signedIn(visitor: Visitor, overrides: Record<string, string> = {}): Promise<string> {
    await visitor.page.goto(app.issuer + app.authorizeUrl(client, overrides));
    if ((await visitor.page.locator('#login-submit').count()) > 0) await visitor.signIn(account.login);
    await visitor.page.waitForURL(/\/callback\?/);
    return `${client.clientId} ${new URL(visitor.page.url()).searchParams.get('session_state')}`;
  }
  async function signedOut(visitor: Visitor): Promise<void> {
    const tab = await visitor.context.newPage();
    await tab.goto(`${app.issuer}/session/end_session`);
    await tab.click('#logout-yes');
    await tab.getByRole('heading', { name: 'Signed out' }).waitFor();
    await tab.close();
  }

  it('says unchanged after the sign-in, changed after the sign-out in another tab, and answers from the issuer', async () => {
    const visitor = await Visitor.arrive(chromium);
    const message = await signedIn(visitor);
    const { origin } = new URL(app.issuer);
    expect(await ask(visitor.page, frame(), message)).toEqual({ word: 'unchanged', origin });
    await signedOut(visitor);
    expect(await ask(visitor.page, frame(), message)).toEqual({ word: 'changed', origin });
    await visitor.leave();
  });

  it('hears changed once: prompt=none then answers with a session_state that is unchanged, signed in or not', async () => {
    const visitor = await Visitor.arrive(chromium);
    await signedIn(visitor);
    await signedOut(visitor);
    const refused = await signedIn(visitor, { prompt: 'none' });
    expect(visitor.page.url()).toContain('error=login_required');
    expect((await ask(visitor.page, frame(), refused)).word).toBe('unchanged');
    const again = await signedIn(visitor);
    expect((await ask(visitor.page, frame(), refused)).word).toBe('changed');
    expect((await ask(visitor.page, frame(), again)).word).toBe('unchanged');
    await visitor.leave();
  });

  it('says changed when another person signs in', async () => {
    const visitor = await Visitor.arrive(chromium);
    const message = await signedIn(visitor);
    account = await app.createAccount();
    await signedIn(visitor, { prompt: 'select_account' });
    expect((await ask(visitor.page, frame(), message)).word).toBe('changed');
    await visitor.leave();
  });

  it('says changed when the cookies were cleared', async () => {
    const visitor = await Visitor.arrive(chromium);
    const message = await signedIn(visitor);
    await visitor.context.clearCookies();
    expect((await ask(visitor.page, frame(), message)).word).toBe('changed');
    expect(await visitor.context.cookies(app.issuer)).toEqual([]);
    await visitor.leave();
  });

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['half a message', 'client'],
    ['an object', { client_id: 'x' }],
  ])('says error to %s', async (_what, message) => {
    const visitor = await Visitor.arrive(chromium);
    await signedIn(visitor);
    expect((await ask(visitor.page, frame(), message)).word).toBe('error');
    await visitor.leave();
  });

  it('says changed to another origin that has got hold of the session_state (threat-model#session-frame-spoofing)', async () => {
    const visitor = await Visitor.arrive(chromium);
    const message = await signedIn(visitor);
    await visitor.page.goto(`${neighbour.origin}/page`);
    expect((await ask(visitor.page, frame(), message)).word).toBe('changed');
    await visitor.leave();
  });

  it('says error, and not changed for ever, where the browser keeps the cookie from the frame (§5.1)', async () => {
    const visitor = await Visitor.arrive(chromium);
    const message = await signedIn(visitor);
    await visitor.page.goto(`${foreign.origin}/page`);
    expect((await ask(visitor.page, frame(), message)).word).toBe('error');
    await visitor.leave();
  });
});

describe('on https, from another site', () => {
  let proxy: Awaited<ReturnType<typeof tlsInFrontOf>>;
  let app: TestApp;
  let board: StubApplication;
  let client: TestClient;

  beforeAll(async () => {
    [proxy, board] = await Promise.all([tlsInFrontOf('localhost'), StubApplication.start('127.0.0.1', true)]);
    app = await TestApp.start({ issuer: proxy.origin });
    proxy.lead(app.settings.port);
    client = await app.createClient({ client_name: 'Board', ...board.metadata });
  });
  afterAll(() => Promise.all([app.stop(), board.stop(), proxy.stop()]));

  async function signIn(page: Page): Promise<string> {
    const { login } = await app.createAccount();
    await page.goto(proxy.origin + app.authorizeUrl(client));
    await page.fill('[name=login]', login);
    await page.fill('[name=password]', PASSWORD);
    await page.click('#login-submit');
    await page.waitForURL(/\/callback\?/);
    return `${client.clientId} ${new URL(page.url()).searchParams.get('session_state')}`;
  }
  const frame = (): string => `${proxy.origin}/session/check_session`;

  let profile: string;
  beforeEach(async () => {
    profile = await mkdtemp(join(tmpdir(), 'exeunt-profile-'));
  });
  afterEach(() => rm(profile, { recursive: true, force: true }));

  it('says unchanged, then changed, where frames are given their cookies', async () => {
    const context = await launchWithFrameCookies(profile, true);
    try {
      const page = await context.newPage();
      const message = await signIn(page);
      const cookie = (await context.cookies(proxy.origin)).find(({ name }) => name.includes('browser_state'));
      expect(cookie).toMatchObject({ name: '__Host-exeunt_browser_state', secure: true, sameSite: 'None' });
      expect(await ask(page, frame(), message)).toEqual({ word: 'unchanged', origin: proxy.origin });
      await page.goto(`${proxy.origin}/session/end_session`);
      await page.click('#logout-yes');
      await page.getByRole('heading', { name: 'Signed out' }).waitFor();
      await page.goto(`${board.origin}/page`);
      expect(await ask(page, frame(), message)).toEqual({ word: 'changed', origin: proxy.origin });
      await context.clearCookies();
      expect(await ask(page, frame(), message)).toEqual({ word: 'changed', origin: proxy.origin });
    } finally {
      await context.close();
    }
  });

  it('says error where they are blocked, with a session and without: no application is sent round in circles (§5.1)', async () => {
    const context = await launchWithFrameCookies(profile, false);
    try {
      const page = await context.newPage();
      const message = await signIn(page);
      expect(await ask(page, frame(), message)).toEqual({ word: 'error', origin: proxy.origin });
      await context.clearCookies();
      expect(await ask(page, frame(), message)).toEqual({ word: 'error', origin: proxy.origin });
    } finally {
      await context.close();
    }
  });
});
