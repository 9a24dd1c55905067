import type { Browser } from 'playwright-core';
import { renderSignInPage } from '../../src/web/pages/pages.js';
import { launchChromium } from './chromium.js';

const picture = (width: number, height: number): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%"/></svg>`;

describe('the logo of an application on the sign-in page', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it.each([
    ['a square one', [64, 64], [44, 44]],
    ['a wide one is not shrunk to a speck', [300, 100], [132, 44]],
    ['a very wide one stays on the page', [4000, 40], [176, 44]],
    ['a high one', [40, 200], [44, 44]],
    ['one that does not load: the letter', undefined, [44, 44]],
  ])('%s', async (_what, size, shown) => {
    const page = await browser.newPage();
    await page.route('https://logo.example/**', (route) =>
      size === undefined
        ? route.abort()
        : route.fulfill({ contentType: 'image/svg+xml', body: picture(size[0] ?? 0, size[1] ?? 0) }),
    );
    const client = { name: 'Acme Invoices', logoUri: 'https://logo.example/logo' };
    const form = { nonce: 'x', action: '/act', csrf: 'csrf', login: '' };
    await page.setContent(renderSignInPage({ ...form, client }), { waitUntil: 'load' });
    const box = await page.locator('.tile').boundingBox();
    expect([box?.width, box?.height].map((length) => Math.round(length ?? 0))).toEqual(shown);
    expect(await page.locator('.tile img').boundingBox()).toEqual(box);
    await page.close();
  });
});
