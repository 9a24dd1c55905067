import type { Browser } from 'playwright-core';
import { TestApp, type TestAccount } from '../support/app.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { launchChromium, Visitor } from './chromium.js';

const PATH = '/account/applications';

describe('a person and the applications with access to their account', () => {
  let chromium: Browser;
  let app: TestApp;
  let party: StubRelyingParty;
  let account: TestAccount;

  beforeAll(async () => {
    [chromium, app, party] = await Promise.all([launchChromium(), TestApp.start(), StubRelyingParty.start()]);
    account = await app.createAccount();
  });
  afterAll(async () => {
    await chromium.close();
    await Promise.all([app.stop(), party.stop()]);
  });

  it.each([true, false])('takes access back with a click (JavaScript %s)', async (javaScriptEnabled) => {
    const visitor = await Visitor.arrive(chromium, { javaScriptEnabled });
    const { page } = visitor;
    const names = ['Ledger', 'A calendar with a name that is rather longer than most of the names of applications are'];
    const clients = [];
    for (const name of names)
      clients.push(
        await app.createClient({
          client_name: `${name} ${javaScriptEnabled ? 'one' : 'two'}`,
          redirect_uris: [party.redirectUri],
          skip_consent: false,
        }),
      );
    const scope = 'openid profile email offline_access';
    await page.goto(app.issuer + app.authorizeUrl(clients[0]!, { scope }));
    await visitor.signIn(account.login);
    await page.click('#consent-submit');
    await page.waitForURL(/code=/);
    await page.goto(app.issuer + app.authorizeUrl(clients[1]!, { scope }));
    await page.click('#consent-submit');
    await page.waitForURL(/code=/);

    await page.goto(`${app.issuer}/account/sessions`);
    await page.getByRole('link', { name: 'Applications with access to your account' }).click();
    await page.waitForURL(app.issuer + PATH);
    const rows = page.getByTestId('application');
    const count = await rows.count();
    await visitor.look(`applications-${javaScriptEnabled ? 'js' : 'plain'}`);
    await rows.filter({ hasText: 'Ledger' }).getByTestId('withdraw').click();
    await page.waitForURL(`${app.issuer}${PATH}?done=withdrawn`);
    expect(await page.getByRole('status').textContent()).toContain('no access any more');
    expect(await rows.count()).toBe(count - 1);
    await visitor.look(`applications-withdrawn-${javaScriptEnabled ? 'js' : 'plain'}`);
    await page.goto(app.issuer + app.authorizeUrl(clients[0]!, { scope }));
    expect(await page.locator('#consent-submit').count()).toBe(1);
    await visitor.leave();
  });
});
