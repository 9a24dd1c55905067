import type { Browser } from 'playwright-core';
import { TestApp, type TestClient } from '../support/app.js';
import { RealUpstream } from '../support/oidc-provider.js';
import { RealClock } from '../support/real-clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { launchChromium, Visitor } from './chromium.js';

/** The upstream is on another host, 127.0.0.1: cookies do not tell ports apart. */
describe('a person at a browser who comes by another provider', () => {
  let chromium: Browser;
  let app: TestApp;
  let upstream: RealUpstream;
  let party: StubRelyingParty;
  let client: TestClient;

  beforeAll(async () => {
    [chromium, app, party] = await Promise.all([
      launchChromium(),
      TestApp.start({}, { clock: new RealClock() }),
      StubRelyingParty.start(),
    ]);
    upstream = await RealUpstream.start(app);
    await upstream.register(app);
    client = await app.createClient({
      redirect_uris: [party.redirectUri],
      post_logout_redirect_uris: [party.postLogoutRedirectUri],
      backchannel_logout_uri: party.backchannelLogoutUri,
    });
  });
  afterAll(async () => {
    await chromium.close();
    await Promise.all([app.stop(), upstream.stop(), party.stop()]);
  });
  beforeEach(() => {
    upstream.outcomes.length = 0;
    party.received.length = 0;
  });

  /** From the application over our sign-in page and the pages of the upstream back to the application. */
  async function signIn(visitor: Visitor, name: string): Promise<string> {
    const { page } = visitor;
    await page.goto(app.issuer + app.authorizeUrl(client));
    await visitor.look('upstream-sign-in');
    await page.click('#upstream-0');
    await page.fill('[name=login]', name);
    await page.fill('[name=password]', 'any');
    await page.click('[type=submit]');
    await page.click('[type=submit]');
    await page.waitForURL((url) => url.href.startsWith(party.redirectUri));
    const code = new URL(page.url()).searchParams.get('code') ?? '';
    const fields = { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri };
    const { status, body } = await app.form('/token', fields, client);
    expect(status).toBe(200);
    return String(body.id_token);
  }

  async function isSignedIn(visitor: Visitor): Promise<boolean> {
    await visitor.page.goto(app.issuer + app.authorizeUrl(client, { prompt: 'none' }));
    return new URL(visitor.page.url()).searchParams.has('code');
  }

  it('signs out here and there, and lands at the application', async () => {
    const visitor = await Visitor.arrive(chromium);
    const { page } = visitor;
    const query = new URLSearchParams({
      id_token_hint: await signIn(visitor, 'ada'),
      post_logout_redirect_uri: party.postLogoutRedirectUri,
      state: 'a-state',
    });
    await page.goto(`${app.issuer}/session/end_session?${query}`);
    await page.check('#logout-upstream');
    await visitor.look('upstream-confirmation');
    await page.click('#logout-yes');
    await page.waitForURL((url) => url.href.startsWith(`${upstream.issuer}/session/end`));
    await page.click('[name=logout]');
    await page.waitForURL(`${party.postLogoutRedirectUri}?state=a-state`);
    await party.waitFor(1);
    expect(upstream.outcomes).toEqual(['backchannel.success']);
    expect(await isSignedIn(visitor)).toBe(false);
    await page.goto(app.issuer + app.authorizeUrl(client));
    await page.click('#upstream-0');
    expect(await page.locator('[name=password]').count()).toBe(1);
    await visitor.leave();
  });

  it('signs out here alone, is told that the other provider still knows them, and may follow the link', async () => {
    const visitor = await Visitor.arrive(chromium, { javaScriptEnabled: false });
    const { page } = visitor;
    await signIn(visitor, 'grace');
    await page.goto(`${app.issuer}/session/end_session`);
    await page.click('#logout-yes');
    await page.getByRole('heading', { name: 'Signed out' }).waitFor();
    await visitor.look('upstream-signed-out-here');
    expect(upstream.outcomes).toEqual([]);
    await page.click('#upstream-logout');
    await page.click('[name=logout]');
    await page.waitForURL((url) => url.href.startsWith(`${app.issuer}/upstreams/corporate/signed-out`));
    await visitor.look('upstream-returned');
    expect(await page.innerText('main')).toContain('corporate sent you back after its own sign-out');
    await visitor.leave();
  });

  it('is signed out here when they sign out there', async () => {
    const visitor = await Visitor.arrive(chromium);
    const { page } = visitor;
    await signIn(visitor, 'edsger');
    expect(await isSignedIn(visitor)).toBe(true);
    await page.goto(`${upstream.issuer}/session/end`);
    await page.click('[name=logout]');
    await party.waitFor(1);
    expect(await isSignedIn(visitor)).toBe(false);
    await visitor.leave();
  });
});
