import pg from 'pg';
import { SessionExpirySweeper } from '../../src/domain/logout/termination/session-expiry.sweeper.js';
import { TestApp, type TestClient } from '../support/app.js';
import { fillWith } from '../support/fill.js';
import { neverAnalyzed, pagesDuring, pagesOfSent, sentDuring } from '../support/pages.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const MANY = 20_000;

/** As after a restore: nothing has counted the rows, and a plan for a few is as good as one for many. */
describe('on tables that are full and were never analyzed', () => {
  let app: TestApp;
  let client: TestClient;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start();
    await neverAnalyzed(app.db);
    client = await app.createClient();
    const filler = new pg.Client({ connectionString: app.db.url });
    await filler.connect();
    await fillWith(filler, { sessions: MANY, now: app.clock.now(), clientId: client.clientId });
    await filler.end();
    token = await app.adminToken();
  });
  afterAll(() => app.stop());

  it('a preview of an application is answered', async () => {
    const body = { client_id: client.clientId, cause: 'client_disabled' };
    const pages = await pagesDuring(app.db, async () => {
      const answer = await app.json('POST', '/admin/v1/logout-preview', { token, body });
      expect([answer.status, answer.body]).toMatchObject([200, { grants_revoked: (MANY * 2) / 5 }]);
    });
    // Of each row that is looked at, and of what it names, by their keys.
    expect(pages).toBeLessThan(MANY * 12);
  });

  it('a session that an operator names by its id alone is ended by look-ups of keys', async () => {
    const [session] = await app.db.query<{ id: string }>('SELECT id FROM sessions WHERE terminated_at IS NULL LIMIT 1');
    const sent = await sentDuring(async () => {
      const { body } = await app.json('DELETE', `/admin/v1/sessions/${session?.id}`, { token });
      expect(body).toMatchObject({ sessions: 1, grants_revoked: 1 });
    });
    await app.db.query('UPDATE sessions SET terminated_at = NULL WHERE id = $1', [session?.id]);
    await app.db.query('UPDATE grants SET revoked_at = NULL, revoked_cause = NULL WHERE session_id = $1', [
      session?.id,
    ]);
    await app.db.query('DELETE FROM session_terminations WHERE occurred_at = $1', [app.clock.now()]);
    await app.db.query(
      `DELETE FROM audit_events WHERE event IN ('session_termination', 'session_terminated') AND at = $1`,
      [app.clock.now()],
    );
    await app.db.query('DELETE FROM logout_receipts_owed');
    const terminate = sent.find(({ name }) => name === 'logout_terminate_session');
    expect(await pagesOfSent(app.db, terminate!)).toBeLessThan(250);
  });

  it("a session is found by its cookie, and a person's are listed, in a few pages", async () => {
    const { login } = await app.createAccount();
    const browser = app.browser();
    await app.signInTo(browser, client, login);
    const sent = await sentDuring(() => browser.get('/account/sessions'));
    for (const name of ['sessions_find_by_cookie', 'sessions_list_of_account']) {
      const { text, values } = sent.find((one) => one.name === name)!;
      // With the plan of the first calls, and with the one that is kept after them.
      expect(await pagesOfSent(app.db, { text, values })).toBeLessThan(60);
      expect(await pagesOfSent(app.db, { name, text, values })).toBeLessThan(60);
    }
  });

  it('what timers ask each second and each minute reads a handful of pages', async () => {
    await app.sendDue();
    await app.issueReceipts();
    expect(await pagesDuring(app.db, () => app.sendDue())).toBeLessThan(30);
    expect(await pagesDuring(app.db, () => app.issueReceipts())).toBeLessThan(60);
    expect(await pagesDuring(app.db, () => app.app.get(SessionExpirySweeper).sweep())).toBeLessThan(60);
  });
});
