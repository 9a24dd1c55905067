import type { Browser } from 'playwright-core';
import { ADMIN, TestApp } from '../support/app.js';
import { launchChromium, Visitor } from './chromium.js';

describe('Swagger UI at /docs', () => {
  let chromium: Browser;
  let app: TestApp;

  beforeAll(async () => {
    [chromium, app] = await Promise.all([launchChromium(), TestApp.start()]);
  });
  afterAll(async () => {
    await chromium.close();
    await app.stop();
  });

  it('authorizes with the admin client and tries an operation out, with no request to another host', async () => {
    const visitor = await Visitor.arrive(chromium);
    const { page } = visitor;
    const foreign: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(app.issuer) && !request.url().startsWith('data:')) foreign.push(request.url());
    });
    await page.goto(`${app.issuer}/docs`);
    await page.click('.auth-wrapper .authorize');
    const dialog = page.locator('.auth-container', { hasText: 'clientCredentials' });
    await dialog.locator('input[name=client_id], #client_id_clientCredentials').first().fill(ADMIN.clientId);
    await dialog
      .locator('input[name=client_secret], #client_secret_clientCredentials')
      .first()
      .fill(ADMIN.clientSecret);
    await dialog.locator('label[for^="exeunt:admin"]').first().click();
    await dialog.locator('button.authorize').first().click();
    await dialog.getByText('Authorized', { exact: true }).waitFor();
    await page.click('.modal-ux .close-modal');

    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
    expect(stored).not.toContain(ADMIN.clientSecret);
    expect(stored).not.toContain('authorized');

    // Tags are closed until somebody opens one.
    expect(await page.locator('.opblock').count()).toBe(0);
    await page.locator('.opblock-tag', { hasText: 'Admin: clients' }).click();
    const operation = page.locator('#operations-Admin\\:_clients-AdminClients_list, [id*="AdminClients_list"]').first();
    await operation.locator('.opblock-summary').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    await operation.getByRole('button', { name: 'Execute' }).click();
    await operation.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor();
    expect(foreign).toEqual([]);
    // Whoever reloads is nobody again.
    await page.goto('about:blank');
    await page.goto(`${app.issuer}/docs`);
    await page.locator('.auth-wrapper .authorize.unlocked').waitFor();
    await visitor.leave();
  });

  it('opens within seconds, administration first, and finds an operation by the title of its document', async () => {
    const visitor = await Visitor.arrive(chromium);
    const { page } = visitor;
    const before = Date.now();
    await page.goto(`${app.issuer}/docs`);
    await page.locator('.opblock-tag').first().waitFor();
    expect(Date.now() - before).toBeLessThan(10_000);
    expect(await page.locator('.opblock-tag').first().getAttribute('data-tag')).toBe('Admin: clients');
    for (const [title, path] of [
      ['Handle OIDC backchannel logout', '/api/v1/auth/oidc/backchannel-logout'],
      ['Logout Endpoint (End-Session)', '/session/end_session'],
      ['OpenID Connect logout API', '/_security/oidc/logout'],
      ['Get Identity Provider Logout Url Using POST', '/csp/gateway/am/api/auth/logout'],
    ] as const) {
      await page.fill('.operation-filter-input', title);
      await page.waitForFunction(() => document.querySelectorAll('.opblock-tag').length === 1);
      await page.locator('.opblock-tag').click();
      await page.locator('.opblock-summary-path', { hasText: path }).first().waitFor();
    }
    await visitor.leave();
  });
});
