import { v7 as uuid } from 'uuid';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { writeNotice } from '../support/ledger.js';
import { clientOf, someoneAt, terminationsOf } from '../back-channel-logout/scene.js';
import { anOperator } from '../console/operator.js';
import { signOut } from '../rp-initiated-logout/end-session.js';
import { ADMIN, TestApp, type TestAccount } from '../support/app.js';
import { HOUR, MINUTE, SECOND } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { launchChromium, Visitor } from './chromium.js';

describe('an operator at a browser', () => {
  let chromium: Browser;
  let app: TestApp;
  let party: StubRelyingParty;
  let operator: TestAccount;

  beforeAll(async () => {
    [chromium, app, party] = await Promise.all([launchChromium(), TestApp.start(), StubRelyingParty.start()]);
    operator = await anOperator(app);
    await aBusyDay();
  });
  afterAll(async () => {
    await chromium.close();
    await Promise.all([app.stop(), party.stop()]);
  });

  /** A day as a service has it: thousands of notices, an application that was away for three hours, one that refuses. */
  async function aBusyDay(): Promise<void> {
    const names = ['Ledger', 'Calendar', 'Invoices of the Northern Branch', 'Mail'];
    const clients = await Promise.all(names.map((name) => clientOf(app, party, { client_name: name })));
    const now = app.clock.now().getTime();
    for (let hour = 23; hour >= 0; hour -= 1) {
      const ended = new Date(now - hour * HOUR - 5 * MINUTE);
      for (const [index, { clientId }] of clients.entries()) {
        const away = index === 1 && hour >= 9 && hour < 12;
        const count = 8 + ((hour * 7 + index * 5) % 23);
        await notices(
          clientId,
          'delivered',
          away ? 1 : count,
          ended,
          away ? 2 * HOUR : 40 * (index + 1) * (1 + (hour % 5)),
        );
        if (away) await notices(clientId, 'abandoned', 6, ended, 24 * HOUR);
        if (index === 2 && hour % 6 === 0) await notices(clientId, 'rejected', 2, ended, 90);
      }
    }
  }

  async function notices(clientId: string, state: string, count: number, ended: Date, took: number): Promise<void> {
    const began = new Date(ended.getTime() - took);
    const id = uuid({ msecs: began.getTime() });
    await app.db.query(
      `INSERT INTO session_terminations (id, cause, initiator, sessions, grants_revoked, deliveries, occurred_at)
       VALUES ($1, 'admin', '{"kind":"operator","clientId":"test-admin"}', $2, $2, $2, $3)`,
      [id, count, began],
    );
    for (let n = 1; n <= count; n += 1) {
      const finished = new Date(began.getTime() + (n * took) / count);
      await writeNotice(app.db, {
        terminationId: id,
        clientId,
        state,
        created: began,
        finished,
        lastError: 'http_503',
      });
    }
  }

  /** A logout that waits for its application. */
  async function waiting(): Promise<string> {
    const client = await clientOf(app, party, { client_name: 'Ledger' });
    const { browser, accountId } = await someoneAt(app, [client]);
    party.answerNext(503);
    await signOut(browser);
    await app.sendDue();
    const [termination] = await terminationsOf(app, accountId);
    return `${app.issuer}/console/logouts/${termination!.id}`;
  }

  async function arrive(options: BrowserContextOptions = {}): Promise<Visitor> {
    const visitor = await Visitor.arrive(chromium, options);
    await visitor.page.goto(`${app.issuer}/console`);
    await visitor.signIn(operator.login);
    await visitor.page.waitForURL('**/console/logouts');
    return visitor;
  }

  /** No page may be wider than the screen it is on. */
  const overflow = (visitor: Visitor): Promise<number> =>
    visitor.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

  it('signs in, sees how logouts go, and reads one of them', async () => {
    await waiting();
    app.clock.advance(10 * SECOND);
    const visitor = await arrive();
    expect(await visitor.page.locator('.plot').count()).toBe(2);
    expect(await visitor.page.locator('.plot g').count()).toBeGreaterThan(24);
    await visitor.look('console-overview-light');
    await visitor.page.locator('[data-testid=termination] a').first().click();
    await visitor.page.waitForURL('**/console/logouts/*');
    expect(await visitor.page.locator('[data-testid=notice]').count()).toBe(1);
    await visitor.page.click('#overview');
    await visitor.page.waitForURL('**/console/logouts');
    await visitor.leave();
  });

  it('by the admin client’s secret too, and leaves', async () => {
    const visitor = await Visitor.arrive(chromium);
    await visitor.page.goto(`${app.issuer}/console/logouts`);
    await visitor.look('console-sign-in-light');
    await visitor.page.click('summary');
    await visitor.page.fill('[name=client_id]', ADMIN.clientId);
    await visitor.page.fill('[name=client_secret]', ADMIN.clientSecret);
    await visitor.look('console-sign-in-client-light');
    await visitor.page.click('#client-submit');
    await visitor.page.waitForURL('**/console/logouts');
    await visitor.page.click('#console-sign-out');
    await visitor.page.waitForURL('**/console/sign-in');
    await visitor.leave();
  });

  it('watches a logout go on without touching anything, down to its receipt', async () => {
    const url = await waiting();
    const visitor = await arrive();
    await visitor.page.goto(url);
    await visitor.page.waitForSelector('#reload', { state: 'hidden' });
    await visitor.look('console-timeline-pending-light');
    await app.db.query('UPDATE logout_deliveries SET next_attempt_at = $1 WHERE state = $2', [
      app.clock.now(),
      'pending',
    ]);
    await app.sendDue();
    await visitor.page.waitForSelector('.notice .state-delivered');
    while ((await app.issueReceipts()) > 0);
    await visitor.page.waitForSelector('#receipt:has-text("Receipt ")');
    await visitor.page.click('summary');
    await visitor.look('console-timeline-final-light');
    await visitor.leave();
  });

  it('reads the same without JavaScript', async () => {
    const url = await waiting();
    const visitor = await arrive({ javaScriptEnabled: false });
    await visitor.page.goto(url);
    expect(await visitor.page.locator('#reload a').getAttribute('href')).toBe(new URL(url).pathname);
    await visitor.page.click('#reload a');
    expect(await visitor.page.locator('.notice .state-pending').count()).toBe(1);
    await visitor.leave();
  });

  it.each([
    ['light', 375],
    ['dark', 375],
    ['dark', 1280],
  ] as const)('has nothing beside the screen, %s at %d px', async (colorScheme, width) => {
    const url = await waiting();
    app.clock.advance(10 * SECOND);
    const visitor = await arrive({ colorScheme, viewport: { width, height: 800 } });
    expect(await overflow(visitor)).toBe(0);
    if (width === 375) await visitor.look(`console-overview-${colorScheme}`);
    await visitor.page.goto(url);
    expect(await overflow(visitor)).toBe(0);
    if (width === 375) await visitor.look(`console-timeline-${colorScheme}`);
    await visitor.leave();
  });
});

describe('a person who signed out and looks on', () => {
  let chromium: Browser;
  let app: TestApp;
  let party: StubRelyingParty;

  beforeAll(async () => {
    [chromium, app, party] = await Promise.all([launchChromium(), TestApp.start(), StubRelyingParty.start()]);
  });
  afterAll(async () => {
    await chromium.close();
    await Promise.all([app.stop(), party.stop()]);
  });

  it('sees the application confirm, without touching anything', async () => {
    const client = await clientOf(app, party, { client_name: 'Ledger', skip_consent: true });
    const account = await app.createAccount();
    const visitor = await Visitor.arrive(chromium);
    await visitor.page.goto(app.issuer + app.authorizeUrl(client));
    await visitor.signIn(account.login);
    await visitor.page.waitForURL(`${party.redirectUri}?code=*`);
    const code = new URL(visitor.page.url()).searchParams.get('code') ?? '';
    await app.form('/token', { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri }, client);
    party.answerNext(503);
    await visitor.page.goto(`${app.issuer}/session/end_session`);
    await visitor.page.click('#logout-yes');
    await visitor.page.waitForSelector('.states .pending');
    await visitor.page.waitForSelector('#reload', { state: 'hidden' });
    await visitor.look('signed-out-live-pending');
    await app.db.query('UPDATE logout_deliveries SET next_attempt_at = $1', [app.clock.now()]);
    await app.sendDue();
    await visitor.page.waitForSelector('.states .confirmed');
    await visitor.look('signed-out-live-confirmed');
    await visitor.leave();
  });
});
