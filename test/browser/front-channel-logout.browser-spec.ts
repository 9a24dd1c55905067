import type { Browser } from 'playwright-core';
import { TestApp, type TestAccount, type TestClient } from '../support/app.js';
import { launchChromium, Visitor } from './chromium.js';
import { StubApplication } from './stub-application.js';

const sidOf = (idToken: string): string =>
  (JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()) as { sid: string }).sid;

describe('front-channel logout in a browser (Front-Channel Logout 1.0 §3)', () => {
  let chromium: Browser;
  let app: TestApp;
  /** On the provider's own site, as a company's applications are. */
  let wiki: StubApplication;
  /** On another site. */
  let board: StubApplication;
  let wikiClient: TestClient;
  let boardClient: TestClient;
  let account: TestAccount;

  beforeAll(async () => {
    [chromium, app, wiki, board] = await Promise.all([
      launchChromium(),
      TestApp.start({ frontChannelWaitMs: 1000 }),
      StubApplication.start('localhost'),
      StubApplication.start('127.0.0.1'),
    ]);
    [wikiClient, boardClient] = await Promise.all([
      app.createClient({ client_name: 'Wiki', ...wiki.metadata }),
      app.createClient({ client_name: 'Board', ...board.metadata }),
    ]);
  });
  beforeEach(async () => {
    account = await app.createAccount();
    for (const application of [wiki, board]) application.asked.length = 0;
  });
  afterEach(() => {
    for (const application of [wiki, board]) application.frontChannel = answerOk;
  });
  afterAll(async () => {
    await chromium.close();
    await Promise.all([app.stop(), wiki.stop(), board.stop()]);
  });

  const answerOk: StubApplication['frontChannel'] = (_request, response) =>
    void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>bye</p>');
  /** Never. */
  const hang: StubApplication['frontChannel'] = () => undefined;

  /** Signed in at both; returns what the ID tokens say. */
  async function signedInToBoth(visitor: Visitor) {
    const idTokens: string[] = [];
    for (const client of [wikiClient, boardClient]) {
      await visitor.page.goto(app.issuer + app.authorizeUrl(client));
      if (idTokens.length === 0) await visitor.signIn(account.login);
      await visitor.page.waitForURL(/\/callback\?/);
      const code = new URL(visitor.page.url()).searchParams.get('code') ?? '';
      const { body } = await app.form(
        '/token',
        { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri },
        client,
      );
      idTokens.push(String(body.id_token));
    }
    return { idToken: idTokens[0] ?? '', sids: idTokens.map(sidOf) };
  }
  const endSession = (idToken: string, state = 's'): string =>
    `${app.issuer}/session/end_session?${new URLSearchParams({
      id_token_hint: idToken,
      post_logout_redirect_uri: `${wiki.origin}/signed-out`,
      state,
    })}`;

  async function decide(visitor: Visitor, idToken: string): Promise<void> {
    await visitor.page.goto(endSession(idToken));
    await visitor.page.click('#logout-yes');
  }
  const back = (): string => `${wiki.origin}/signed-out?state=s`;

  it.each([true, false])('asks both in frames, then goes on with state (JavaScript: %s)', async (javaScriptEnabled) => {
    const visitor = await Visitor.arrive(chromium, { javaScriptEnabled });
    const { idToken, sids } = await signedInToBoth(visitor);
    await decide(visitor, idToken);
    await visitor.page.waitForURL(back());
    for (const [index, application] of [wiki, board].entries()) {
      expect(application.asked).toHaveLength(1);
      const [asked] = application.asked;
      expect(Object.fromEntries(asked?.query ?? [])).toEqual({ tenant: '1', iss: app.issuer, sid: sids[index] });
      expect(asked?.referrer).toBeUndefined();
    }
    await visitor.leave();
  });

  it('reaches an application on the same site with its own cookie, which it can clear', async () => {
    const visitor = await Visitor.arrive(chromium);
    const { idToken } = await signedInToBoth(visitor);
    await visitor.context.addCookies([{ name: 'wiki', value: 'mine', url: wiki.origin, sameSite: 'Lax' }]);
    wiki.frontChannel = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'wiki=; Max-Age=0; Path=/' }).end();
    await decide(visitor, idToken);
    await visitor.page.waitForURL(back());
    expect(wiki.asked[0]?.cookie).toContain('wiki=mine');
    expect((await visitor.context.cookies(wiki.origin)).map(({ name }) => name)).not.toContain('wiki');
    await visitor.leave();
  });

  it('is not held up by an application that hangs: the page goes on after its time', async () => {
    const visitor = await Visitor.arrive(chromium);
    const { idToken } = await signedInToBoth(visitor);
    board.frontChannel = hang;
    await decide(visitor, idToken);
    // The frame never loads: what takes the browser on is the cap.
    await visitor.page.waitForURL(back());
    expect(board.asked).toHaveLength(1);
    await visitor.leave();
  });

  it('without JavaScript, and an application hangs: the link leads on at once', async () => {
    const visitor = await Visitor.arrive(chromium, { javaScriptEnabled: false });
    const { idToken } = await signedInToBoth(visitor);
    board.frontChannel = hang;
    await visitor.page.goto(endSession(idToken));
    await visitor.page.click('#logout-yes', { noWaitAfter: true });
    await visitor.page.locator('#continue').click();
    await visitor.page.waitForURL(back());
    await visitor.leave();
  });

  it.each<[string, StubApplication['frontChannel']]>([
    [
      'refuses to be framed',
      (_request, response) => void response.writeHead(200, { 'x-frame-options': 'DENY' }).end('no'),
    ],
    [
      'leads its frame to a foreign site',
      (_request, response) => void response.writeHead(302, { location: 'https://evil.example.com/' }).end(),
    ],
    [
      'breaks out of frames',
      (_request, response) =>
        void response
          .writeHead(200, { 'content-type': 'text/html' })
          .end('<!doctype html><script>top.location = "http://127.0.0.1:9/captured"; alert("x")</script>'),
    ],
    ['resets the connection', (request) => void request.socket.destroy()],
    ['answers 500', (_request, response) => void response.writeHead(500).end()],
  ])('goes on all the same, and asks the others, when one %s', async (_what, answer) => {
    const visitor = await Visitor.arrive(chromium);
    const dialogs: string[] = [];
    visitor.page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    const { idToken } = await signedInToBoth(visitor);
    board.frontChannel = answer;
    await decide(visitor, idToken);
    await visitor.page.waitForURL(back());
    expect([wiki.asked.length, board.asked.length > 0, dialogs]).toEqual([1, true, []]);
    // The console tells of what was refused, so it is not looked at here.
    await visitor.context.close();
  });

  it('a way back to the page asks nobody again', async () => {
    const visitor = await Visitor.arrive(chromium);
    const { idToken } = await signedInToBoth(visitor);
    await decide(visitor, idToken);
    await visitor.page.waitForURL(back());
    await visitor.page.goBack();
    expect([wiki.asked.length, board.asked.length]).toEqual([1, 1]);
    await visitor.context.close();
  });

  it('stays on the page, which says asked, when nobody is to be gone back to', async () => {
    const visitor = await Visitor.arrive(chromium);
    await signedInToBoth(visitor);
    await visitor.page.goto(`${app.issuer}/session/end_session`);
    await visitor.look('confirmation-nobody-asked');
    await visitor.page.click('#logout-yes');
    await visitor.page.waitForLoadState('load');
    const text = await visitor.page.innerText('main');
    expect(text).toContain('We asked 2 applications in this browser to sign you out.');
    expect(text).not.toMatch(/applications? ha(s|ve) confirmed/);
    expect([wiki.asked.length, board.asked.length]).toEqual([1, 1]);
    expect(await visitor.page.locator('iframe:visible').count()).toBe(0);
    await visitor.look('signed-out-asked');
    await visitor.leave();
  });

  it('says where it goes while it waits', async () => {
    const visitor = await Visitor.arrive(chromium, { javaScriptEnabled: false });
    const { idToken } = await signedInToBoth(visitor);
    board.frontChannel = hang;
    await visitor.page.goto(endSession(idToken));
    await visitor.page.click('#logout-yes', { noWaitAfter: true });
    expect(await visitor.page.getByRole('status').innerText()).toContain('We take you on');
    await visitor.look('signed-out-onward');
    await visitor.context.close();
  });

  it('signs out of one application alone', async () => {
    const visitor = await Visitor.arrive(chromium);
    const { idToken } = await signedInToBoth(visitor);
    await visitor.page.goto(`${app.issuer}/session/end_session?${new URLSearchParams({ id_token_hint: idToken })}`);
    await visitor.look('confirmation-choices');
    await visitor.page.click('#logout-client');
    await visitor.page.getByRole('heading', { name: 'Signed out of Wiki' }).waitFor();
    await visitor.page.waitForLoadState('load');
    await visitor.look('signed-out-of-one');
    expect([wiki.asked.length, board.asked.length]).toEqual([1, 0]);
    await visitor.page.goto(app.issuer + app.authorizeUrl(boardClient, { prompt: 'none' }));
    await visitor.page.waitForURL(/\/callback\?code=/);
    await visitor.leave();
  });

  it('signs out of all devices', async () => {
    const [visitor, phone] = [await Visitor.arrive(chromium), await Visitor.arrive(chromium)];
    await signedInToBoth(visitor);
    await signedInToBoth(phone);
    await visitor.page.goto(`${app.issuer}/session/end_session`);
    await visitor.page.click('#logout-everywhere');
    await visitor.page.getByText('All your sessions have ended').waitFor();
    await visitor.look('signed-out-everywhere');
    await phone.page.goto(app.issuer + app.authorizeUrl(boardClient, { prompt: 'none' }));
    await phone.page.waitForURL(/error=login_required/);
    await Promise.all([visitor.leave(), phone.leave()]);
  });
});
