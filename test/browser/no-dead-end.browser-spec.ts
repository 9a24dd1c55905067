import type { Browser } from 'playwright-core';
import { PASSWORD, TestApp, type TestAccount, type TestClient } from '../support/app.js';
import { MINUTE } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { launchChromium, Visitor } from './chromium.js';

describe('a person who clicks twice, goes back, or keeps a page', () => {
  let chromium: Browser;
  let app: TestApp;
  let party: StubRelyingParty;
  let client: TestClient;
  let account: TestAccount;

  beforeAll(async () => {
    [chromium, app, party] = await Promise.all([launchChromium(), TestApp.start(), StubRelyingParty.start()]);
    client = await app.createClient({ client_name: 'Ledger', redirect_uris: [party.redirectUri] });
  });
  beforeEach(async () => {
    account = await app.createAccount();
  });
  afterAll(async () => {
    await chromium.close();
    await Promise.all([app.stop(), party.stop()]);
  });

  const open = (visitor: Visitor, asking = client) => visitor.page.goto(app.issuer + app.authorizeUrl(asking));
  const arrivesNext = (visitor: Visitor) => visitor.page.waitForURL(`${party.redirectUri}?code=*`);
  /** A second click may take the place of the first one's navigation when that is nearly there. */
  const arrived = (visitor: Visitor) =>
    arrivesNext(visitor).catch((error: Error) => {
      if (!error.message.includes('ERR_ABORTED')) throw error;
      return arrivesNext(visitor);
    });
  const sessions = () => app.db.query('SELECT 1 FROM sessions WHERE account_id = $1', [account.id]);

  async function slowly(visitor: Visitor): Promise<void> {
    const session = await visitor.context.newCDPSession(visitor.page);
    await session.send('Network.enable');
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 300,
      downloadThroughput: -1,
      uploadThroughput: -1,
    });
  }

  it.each([true, false])(
    'arrives by a double click on a slow line, with one session (JavaScript: %s)',
    async (scripts) => {
      const visitor = await Visitor.arrive(chromium, { javaScriptEnabled: scripts });
      await open(visitor);
      await slowly(visitor);
      await visitor.page.fill('[name=login]', account.login);
      await visitor.page.fill('[name=password]', PASSWORD);
      await visitor.page.dblclick('#login-submit');
      await arrived(visitor);
      expect(await sessions()).toHaveLength(1);
      await visitor.leave();
    },
  );

  it('arrives by a double click on "Allow"', async () => {
    const asking = await app.createClient({ redirect_uris: [party.redirectUri], skip_consent: false });
    const visitor = await Visitor.arrive(chromium);
    await open(visitor, asking);
    await visitor.signIn(account.login);
    await slowly(visitor);
    await visitor.page.dblclick('#consent-submit');
    await arrived(visitor);
    await visitor.leave();
  });

  it('sees that the click was taken, and finds the button working after Back', async () => {
    const visitor = await Visitor.arrive(chromium);
    const asking = await app.createClient({ redirect_uris: [party.redirectUri], skip_consent: false });
    await open(visitor, asking);
    await slowly(visitor);
    await visitor.page.fill('[name=login]', account.login);
    await visitor.page.fill('[name=password]', 'wrong');
    await visitor.page.evaluate(() => {
      const button = document.querySelector<HTMLButtonElement>('#login-submit');
      const note = () => sessionStorage.setItem('off', String(button?.disabled));
      addEventListener('submit', () => setTimeout(note, 50));
    });
    await visitor.page.click('#login-submit');
    await visitor.page.waitForSelector('[role=alert]');
    expect(await visitor.page.evaluate(() => sessionStorage.getItem('off'))).toBe('true');
    await visitor.page.goBack();
    await visitor.page.waitForSelector('#login-submit:enabled');
    await visitor.signIn(account.login);
    await visitor.page.click('#consent-submit');
    await arrived(visitor);
    await visitor.leave();
  });

  it('comes to the application again by Back to the sign-in page', async () => {
    const visitor = await Visitor.arrive(chromium);
    await open(visitor);
    await visitor.signIn(account.login);
    await arrived(visitor);
    const first = visitor.page.url();
    await visitor.page.goBack();
    await arrived(visitor);
    expect(visitor.page.url()).not.toBe(first);
    expect(await sessions()).toHaveLength(1);
    await visitor.leave();
  });

  it('signs in in one of two tabs, and then in the other', async () => {
    const visitor = await Visitor.arrive(chromium);
    const other = await visitor.context.newPage();
    await open(visitor);
    await other.goto(app.issuer + app.authorizeUrl(client, { state: 'second' }));
    await visitor.signIn(account.login);
    await arrived(visitor);
    await other.fill('[name=login]', account.login);
    await other.fill('[name=password]', PASSWORD);
    await other.click('#login-submit');
    await other.waitForURL(`${party.redirectUri}?code=*state=second*`);
    expect(await sessions()).toHaveLength(1);
    await visitor.leave();
  });

  it('goes on from a form that was open for too long', async () => {
    const visitor = await Visitor.arrive(chromium);
    await open(visitor);
    app.clock.advance(120 * MINUTE);
    await visitor.signIn(account.login);
    await arrived(visitor);
    await visitor.leave();
  });

  it('reads what happened, with a link, in another browser and at an unknown address', async () => {
    const visitor = await Visitor.arrive(chromium);
    const calendar = await app.createClient({ client_name: 'Calendar', client_uri: `${party.redirectUri}?home` });
    await open(visitor, calendar);
    const bookmark = visitor.page.url();
    const elsewhere = await Visitor.arrive(chromium);
    await elsewhere.page.goto(bookmark);
    await elsewhere.look('lapsed');
    await elsewhere.page.click('text=Go to Calendar');
    await elsewhere.page.waitForURL(`${party.redirectUri}?home`);
    await elsewhere.page.goto(`${app.issuer}/nope`);
    await elsewhere.look('not-found');
    await elsewhere.page.click('text=Go to the start page');
    await elsewhere.page.waitForURL(`${app.issuer}/`);
    await Promise.all([visitor.leave(), elsewhere.leave()]);
  });
});
