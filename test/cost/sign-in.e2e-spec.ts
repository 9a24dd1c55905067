import { PASSWORD, TestApp, type TestClient } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';
import { StatementCounter } from '../support/statement-counter.js';
import { redeem } from '../tokens/token-requests.js';

/** The limits for attempts, whose statements are of `rate-limits`. */
const LIMITS = /rate_limits/;

describe('statements that a sign-in costs, with warm caches (docs/decisions/0056-a-sealed-interaction.md)', () => {
  let app: TestApp;
  let client: TestClient;
  let counter: StatementCounter;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient();
    const { login } = await app.createAccount();
    await app.signInTo(app.browser(), client, login);
    counter = new StatementCounter();
  });
  afterAll(async () => {
    counter.restore();
    await app.stop();
  });

  /** Those of the limits first, by how many they are; transactions are named where they begin. */
  async function costOf(work: () => Promise<unknown>): Promise<{ readonly limits: number; readonly others: string[] }> {
    const { statements } = await counter.during(work);
    return {
      limits: statements.filter((name) => LIMITS.test(name)).length,
      others: statements.filter((name) => !LIMITS.test(name)),
    };
  }

  async function atTheForm(asking: TestClient, parameters: Record<string, string> = {}, browser = app.browser()) {
    const { login } = await app.createAccount();
    const form = await browser.follow(await browser.get(app.authorizeUrl(asking, parameters)));
    return { browser, form, login, submit: () => browser.submit(form, 'login-submit', { login, password: PASSWORD }) };
  }

  const codeOf = (page: Page): string => page.query.get('code') ?? 'none';

  it('a sign-in with code exchange: a look at the interaction, the account, session with interaction, record and grant, exchange', async () => {
    const { login } = await app.createAccount();
    const browser = app.browser();
    const { limits, others } = await costOf(async () => {
      const form = await browser.follow(await browser.get(app.authorizeUrl(client)));
      const answer = await browser.submit(form, 'login-submit', { login, password: PASSWORD });
      expect((await redeem(app, client, codeOf(answer))).status).toBe(200);
    });
    expect(others).toEqual([
      'interactions_find',
      'accounts_find_by_password_name',
      'grants_begin_session_with_code',
      'grants_exchange_code',
    ]);
    expect(limits).toBeLessThanOrEqual(1);
  });

  it('an authorization with a session, with code exchange: session, grant, exchange', async () => {
    for (const asking of [client, await asksForConsent()]) {
      const { browser, login } = await signedInTo(asking);
      expect(login).toBeTruthy();
      const { limits, others } = await costOf(async () => {
        const answer = await browser.get(app.authorizeUrl(asking));
        expect((await redeem(app, asking, codeOf(answer))).status).toBe(200);
      });
      expect(others).toEqual(['sessions_find_by_cookie', 'grants_create_with_code', 'grants_exchange_code']);
      expect(limits).toBe(0);
    }
  });

  it('a sign-in that asks for consent: one statement finds that out, and the answer takes four', async () => {
    const { browser, submit } = await atTheForm(await asksForConsent());
    const asked: { page?: Page } = {};
    const signIn = await costOf(async () => (asked.page = await submit()));
    expect(asked.page?.has('consent-submit')).toBe(true);
    expect(signIn.others).toEqual(['accounts_find_by_password_name', 'grants_begin_session_with_code']);
    const answer = await costOf(async () =>
      expect(codeOf(await browser.submit(asked.page as Page, 'consent-submit'))).not.toBe('none'),
    );
    expect(answer).toEqual({
      limits: 0,
      others: ['interactions_find', 'sessions_find_by_cookie', 'consents_remember', 'grants_answer_with_code'],
    });
  });

  it('beginning a sign-in takes none, and a refusal one besides what is looked at and counted', async () => {
    const browser = app.browser();
    const begun = await costOf(async () => expect((await browser.get(app.authorizeUrl(client))).status).toBe(303));
    expect(begun).toEqual({ limits: 0, others: [] });
    const { browser: other, form } = await atTheForm(client);
    const refused = await costOf(async () =>
      expect((await other.submit(form, 'login-cancel')).query.get('error')).toBe('access_denied'),
    );
    expect(refused.others).toEqual(['interactions_find', 'interactions_answer']);
    expect(refused.limits).toBe(1);
  });

  function asksForConsent(): Promise<TestClient> {
    return app.createClient({ skip_consent: false });
  }

  async function signedInTo(asking: TestClient): Promise<{ readonly browser: Browser; readonly login: string }> {
    const { login } = await app.createAccount();
    const browser = app.browser();
    await app.signInTo(browser, asking, login);
    return { browser, login };
  }
});
