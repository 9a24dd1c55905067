import type { Browser } from 'playwright-core';
import { TestApp, type TestAccount, type TestClient } from '../support/app.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { launchChromium, Visitor } from './chromium.js';

describe('a person at a browser', () => {
  let chromium: Browser;
  let app: TestApp;
  let first: StubRelyingParty;
  let second: StubRelyingParty;
  let ledger: TestClient;
  let calendar: TestClient;
  let account: TestAccount;

  beforeAll(async () => {
    [chromium, app, first, second] = await Promise.all([
      launchChromium(),
      TestApp.start(),
      StubRelyingParty.start(),
      StubRelyingParty.start(),
    ]);
    const clientOf = (party: StubRelyingParty, name: string, skipConsent: boolean): Promise<TestClient> =>
      app.createClient({
        client_name: name,
        redirect_uris: [party.redirectUri],
        post_logout_redirect_uris: [party.postLogoutRedirectUri],
        backchannel_logout_uri: party.backchannelLogoutUri,
        skip_consent: skipConsent,
      });
    [ledger, calendar] = await Promise.all([clientOf(first, 'Ledger', false), clientOf(second, 'Calendar', true)]);
  });
  beforeEach(async () => {
    account = await app.createAccount();
  });
  afterAll(async () => {
    await chromium.close();
    await Promise.all([app.stop(), first.stop(), second.stop()]);
  });

  /** Opens an authorization request, as an application's link would. */
  const open = (visitor: Visitor, client: TestClient, overrides: Record<string, string> = {}) =>
    visitor.page.goto(app.issuer + app.authorizeUrl(client, overrides));
  const atCallback = (party: StubRelyingParty) => new RegExp(`^${party.redirectUri.replaceAll('.', '\\.')}\\?code=`);

  async function signedInToBoth(visitor: Visitor): Promise<string> {
    await open(visitor, calendar);
    await visitor.signIn(account.login);
    await visitor.page.waitForURL(atCallback(second));
    await open(visitor, ledger);
    await visitor.page.click('#consent-submit');
    await visitor.page.waitForURL(atCallback(first));
    const codes = [visitor.page.url()].map((url) => new URL(url).searchParams.get('code') ?? '');
    const exchange = (client: TestClient, code: string) =>
      app.form('/token', { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri }, client);
    const tokens = await exchange(ledger, codes[0] ?? '');
    await open(visitor, calendar);
    await visitor.page.waitForURL(atCallback(second));
    await exchange(calendar, new URL(visitor.page.url()).searchParams.get('code') ?? '');
    return String(tokens.body.id_token);
  }

  it('is told about a wrong password, signs in, allows, and lands at the application', async () => {
    const visitor = await Visitor.arrive(chromium);
    await open(visitor, ledger, { scope: 'openid profile email' });
    await visitor.look('sign-in');
    await visitor.signIn(account.login, 'not the password');
    expect(await visitor.page.getByRole('alert').isVisible()).toBe(true);
    await visitor.look('sign-in-wrong');
    await visitor.signIn(account.login);
    await visitor.page.waitForSelector('#consent-submit');
    await visitor.look('consent');
    await visitor.page.click('#consent-submit');
    await visitor.page.waitForURL(atCallback(first));
    await visitor.leave();
  });

  it('denies, and the application hears access_denied', async () => {
    const visitor = await Visitor.arrive(chromium);
    await open(visitor, ledger);
    await visitor.signIn(account.login);
    await visitor.page.click('#consent-deny');
    await visitor.page.waitForURL(/error=access_denied/);
    await visitor.leave();
  });

  it('signs in by keyboard alone', async () => {
    const visitor = await Visitor.arrive(chromium);
    await open(visitor, calendar);
    await visitor.page.focus('[name=login]');
    await visitor.page.keyboard.type(account.login);
    await visitor.page.keyboard.press('Tab');
    await visitor.page.keyboard.type('correct horse battery staple');
    await visitor.page.keyboard.press('Enter');
    await visitor.page.waitForURL(atCallback(second));
    await visitor.leave();
  });

  it('signs in and out without JavaScript', async () => {
    const visitor = await Visitor.arrive(chromium, { javaScriptEnabled: false });
    await open(visitor, calendar);
    await visitor.signIn(account.login);
    await visitor.page.waitForURL(atCallback(second));
    await visitor.page.goto(`${app.issuer}/session/end_session`);
    await visitor.page.click('#logout-yes');
    await visitor.page.getByRole('heading', { name: 'Signed out' }).waitFor();
    await visitor.leave();
  });

  it('gets the answer posted to the application with response_mode=form_post', async () => {
    const visitor = await Visitor.arrive(chromium);
    await open(visitor, calendar, { response_mode: 'form_post' });
    await visitor.signIn(account.login);
    await visitor.page.waitForURL(second.redirectUri);
    await visitor.leave();
  });

  it('confirms, is sent back to the application with its state, and both applications were told', async () => {
    const visitor = await Visitor.arrive(chromium);
    const idToken = await signedInToBoth(visitor);
    const [before, beforeSecond] = [first.received.length, second.received.length];
    const query = new URLSearchParams({
      id_token_hint: idToken,
      post_logout_redirect_uri: first.postLogoutRedirectUri,
      state: 'q1',
    });
    await visitor.page.goto(`${app.issuer}/session/end_session?${query}`);
    await visitor.look('confirmation');
    await visitor.page.click('#logout-yes');
    await visitor.page.waitForURL(`${first.postLogoutRedirectUri}?state=q1`);
    expect([first.received.length - before, second.received.length - beforeSecond]).toEqual([1, 1]);
    await visitor.leave();
  });

  it('says no, goes back all the same, and is still signed in', async () => {
    const visitor = await Visitor.arrive(chromium);
    const idToken = await signedInToBoth(visitor);
    const query = new URLSearchParams({
      id_token_hint: idToken,
      post_logout_redirect_uri: first.postLogoutRedirectUri,
    });
    await visitor.page.goto(`${app.issuer}/session/end_session?${query}`);
    await visitor.page.click('#logout-no');
    await visitor.page.waitForURL(first.postLogoutRedirectUri);
    await visitor.page.goto(`${app.issuer}/session/end_session`);
    await visitor.page.click('#logout-no');
    await visitor.look('still-signed-in');
    await open(visitor, calendar, { prompt: 'none' });
    await visitor.page.waitForURL(atCallback(second));
    await visitor.leave();
  });

  it('reads on the signed-out page which application has confirmed', async () => {
    const visitor = await Visitor.arrive(chromium);
    await signedInToBoth(visitor);
    second.answerNext(500);
    await visitor.page.goto(`${app.issuer}/session/end_session`);
    await visitor.page.click('#logout-yes');
    await visitor.page.getByRole('heading', { name: 'Signed out' }).waitFor();
    await visitor.look('signed-out');
    const text = await visitor.page.innerText('main');
    expect(text).toContain('1 of 2 applications');
    expect(text).toContain('Ledger');
    expect(text).toContain('Calendar');
    await visitor.leave();
  });

  it('sees its devices, ends one, then all others', async () => {
    const here = await Visitor.arrive(chromium);
    const [phone, tablet] = [await Visitor.arrive(chromium), await Visitor.arrive(chromium)];
    for (const visitor of [phone, tablet, here]) {
      await visitor.page.goto(`${app.issuer}/account/sessions`);
      await visitor.signIn(account.login);
      await visitor.page.waitForURL(`${app.issuer}/account/sessions`);
    }
    await here.page.reload();
    await here.look('sessions');
    expect(await here.page.locator('[data-testid=end-session]').count()).toBe(2);
    await here.page.locator('[data-testid=end-session]').first().click();
    await here.page.waitForURL(/done=session_ended/);
    expect(await here.page.locator('[data-testid=end-session]').count()).toBe(1);
    await here.page.click('#end-others');
    await here.page.waitForURL(/done=others_ended/);
    expect(await here.page.locator('[data-testid=end-session]').count()).toBe(0);
    for (const visitor of [phone, tablet]) {
      await visitor.page.reload();
      expect(await visitor.page.locator('#login-submit').count()).toBe(1);
    }
    await Promise.all([here.leave(), phone.leave(), tablet.leave()]);
  });

  it('meets a page, not a redirect, when the application is not registered', async () => {
    const visitor = await Visitor.arrive(chromium);
    await visitor.page.goto(
      `${app.issuer}/authorize?client_id=nobody&response_type=code&redirect_uri=https://evil.example.com/`,
    );
    await visitor.look('error');
    expect(visitor.page.url().startsWith(app.issuer)).toBe(true);
    expect(await visitor.page.innerText('main')).toContain('not registered');
    await visitor.leave();
  });
});
