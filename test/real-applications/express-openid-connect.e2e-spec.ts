import { createDemoApp, demoClientMetadata, type DemoApp } from '../../demo/demo-app.js';
import { TestApp, type TestAccount } from '../support/app.js';
import { Browser, type Page } from '../support/http.js';
import { freePort } from '../support/ports.js';
import { RealClock } from '../support/real-clock.js';

/** A browser that keeps a jar for each origin and follows redirects between the provider and the applications. */
class Person {
  private readonly jars = new Map<string, Browser>();

  async go(url: string): Promise<{ readonly page: Page; readonly at: Browser }> {
    let at = this.at(url);
    let page = await at.get(url);
    while (page.location !== undefined) {
      at = this.at(page.location);
      page = await at.get(page.location);
    }
    return { page, at };
  }

  async press(
    from: { readonly page: Page; readonly at: Browser },
    button: string,
    typed: Record<string, string> = {},
  ): Promise<{ readonly page: Page; readonly at: Browser }> {
    const page = await from.at.submit(from.page, button, typed);
    return page.location === undefined ? { page, at: from.at } : this.go(page.location);
  }

  private at(url: string): Browser {
    const { origin } = new URL(url);
    const jar = this.jars.get(origin) ?? new Browser(origin);
    this.jars.set(origin, jar);
    return jar;
  }
}

describe('two express-openid-connect applications with back-channel logout', () => {
  let app: TestApp;
  let account: TestAccount;
  const applications: DemoApp[] = [];

  beforeAll(async () => {
    app = await TestApp.start({}, { clock: new RealClock() });
    account = await app.createAccount();
    for (const name of ['Ledger', 'Calendar']) {
      const port = await freePort();
      const { clientId, clientSecret } = await app.createClient({
        ...demoClientMetadata(name, `http://localhost:${port}`),
        skip_consent: true,
      });
      applications.push(await createDemoApp({ name, port, issuer: app.issuer, clientId, clientSecret }));
    }
  });
  afterAll(async () => {
    await Promise.all(applications.map((application) => application.stop()));
    await app.stop();
  });

  it('signs both out when the person signs out of one', async () => {
    const [ledger, calendar] = applications as [DemoApp, DemoApp];
    const person = new Person();
    const signIn = await person.go(`${ledger.url}/login`);
    const inLedger = await person.press(signIn, 'login-submit', {
      login: account.login,
      password: 'correct horse battery staple',
    });
    expect(inLedger.page.body).toContain('Signed in as <strong>Mia Example</strong>');
    // The second one does not ask again: one session.
    expect((await person.go(`${calendar.url}/login`)).page.body).toContain('Signed in as');

    const dialog = await person.go(`${ledger.url}/logout`);
    expect(dialog.page.has('logout-yes')).toBe(true);
    expect((await person.go(calendar.url)).page.body).toContain('Signed in as');

    const done = await person.press(dialog, 'logout-yes');
    expect(done.page.body).toContain('Nobody is signed in');
    expect((await person.go(calendar.url)).page.body).toContain('Nobody is signed in');
    expect([ledger.logoutTokens(), calendar.logoutTokens()]).toEqual([1, 1]);
  });
});
