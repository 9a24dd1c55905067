import { mkdirSync, writeFileSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { PASSWORD } from '../support/app.js';

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 375, height: 800 };

/** Debian's Chromium; nothing is downloaded. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS });
}

/** The same with a profile on disk, told whether pages in frames of other sites are given their cookies. */
export async function launchWithFrameCookies(profile: string, given: boolean): Promise<BrowserContext> {
  mkdirSync(`${profile}/Default`, { recursive: true });
  const settings = { profile: { cookie_controls_mode: given ? 0 : 1, block_third_party_cookies: !given } };
  writeFileSync(`${profile}/Default/Preferences`, JSON.stringify(settings));
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  return chromium.launchPersistentContext(profile, { executablePath, args: ARGS, ignoreHTTPSErrors: true });
}

/** A fresh person at a fresh browser, whose console must stay free of errors: a policy that breaks a page shows there. */
export class Visitor {
  readonly problems: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  static async arrive(browser: Browser, options: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await browser.newContext({ viewport: DESKTOP, ...options });
    const visitor = new Visitor(context, await context.newPage());
    visitor.page.on('console', (message) => {
      // A refused sign-in is answered 400, and Chromium says so; that is no fault of the page.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        visitor.problems.push(message.text());
    });
    visitor.page.on('pageerror', (error) => visitor.problems.push(error.message));
    return visitor;
  }

  async signIn(login: string, password = PASSWORD): Promise<void> {
    await this.page.fill('[name=login]', login);
    await this.page.fill('[name=password]', password);
    await this.page.click('#login-submit');
  }

  /** With EXEUNT_SCREENSHOTS=1: what the page looks like, on a desk and on a phone. */
  async look(name: string): Promise<void> {
    if (process.env.EXEUNT_SCREENSHOTS !== '1') return;
    mkdirSync('screenshots', { recursive: true });
    for (const [device, size] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
      await this.page.setViewportSize(size);
      await this.page.screenshot({ path: `screenshots/${name}-${device}.png`, fullPage: true });
    }
    await this.page.setViewportSize(DESKTOP);
  }

  async leave(): Promise<void> {
    await this.context.close();
    expect(this.problems).toEqual([]);
  }
}
