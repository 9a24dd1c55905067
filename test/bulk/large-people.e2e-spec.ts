import { ADMIN, TestApp, type Answer, type TestClient } from '../support/app.js';
import { SECOND } from '../support/clock.js';
import { neverAnalyzed, pagesOfSent, sentDuring } from '../support/pages.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { clientOf, someoneAt } from '../back-channel-logout/scene.js';
import { progressOf, runJob, seed } from './scene.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const MANY = 5000;

/** A program that signs in again and again, by one account. */
describe('a person with more sessions than one statement should end', () => {
  let app: TestApp;
  let other: TestApp;
  let party: StubRelyingParty;
  let client: TestClient;
  let token: string;

  beforeEach(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
    client = await clientOf(app, party);
    token = await app.adminToken();
  });
  afterEach(async () => {
    await other.stop();
    await Promise.all([app.stop(), party.stop()]);
  });

  const admin = (method: string, path: string, body?: Record<string, unknown>): Promise<Answer> =>
    app.json(method, `/admin/v1/${path}`, { token, body });

  /** `n` sessions of one account, each with a grant of the client. */
  async function sessionsOf(accountId: string, n: number): Promise<void> {
    await app.db.query(
      `WITH s AS (
         INSERT INTO sessions (id, cookie_hash, account_id, authenticated_at, amr, created_at, last_seen_at, idle_expires_at, expires_at, client_count)
         SELECT gen_random_uuid(), sha256(gen_random_uuid()::text::bytea), $1, $2::timestamptz, '{pwd}', $2, $2, $2::timestamptz + interval '1 day',
                $2::timestamptz + interval '1 day', 1 FROM generate_series(1, $3::int) RETURNING id, account_id
       ), sc AS (
         INSERT INTO session_clients (account_id, session_id, client_id, sid, joined_at) SELECT account_id, id, $4, 'sid-' || id, $2 FROM s
       )
       INSERT INTO grants (id, account_id, client_id, session_id, offline, scope, authenticated_at, amr, created_at, keep_until)
       SELECT gen_random_uuid(), account_id, $4, id, false, 'openid', $2, '{pwd}', $2, $2::timestamptz + interval '40 days' FROM s`,
      [accountId, app.clock.now(), n, client.clientId],
    );
  }
  const unended = async (accountId: string): Promise<number> =>
    (await app.db.query('SELECT 1 FROM sessions WHERE account_id = $1 AND terminated_at IS NULL', [accountId])).length;
  const causes = (): Promise<unknown[]> =>
    app.db.query(
      `SELECT cause, initiator, sum(sessions)::int AS sessions, sum(deliveries)::int AS notices FROM session_terminations GROUP BY 1, 2`,
    );

  it('is signed out by an order: dead at once on every node, and told by the job, by the same cause', async () => {
    const robot = await someoneAt(app, [client]);
    await sessionsOf(robot.accountId, MANY);
    const { status, body } = await admin('DELETE', `sessions?account_id=${robot.accountId}`);
    const id = String(body.order_id);
    expect([status, body]).toEqual([200, { order_id: id, sessions: null, grants_revoked: null, deliveries: null }]);
    for (const node of [app, other]) {
      expect(await node.isActive(client, robot.tokens[0]!.access_token)).toBe(false);
      expect((await node.refresh(client, robot.tokens[0]!.refresh_token)).body.error).toBe('invalid_grant');
    }
    expect(await unended(robot.accountId)).toBe(MANY + 1);
    await runJob(other);
    expect(await unended(robot.accountId)).toBe(0);
    const initiator = { kind: 'operator', clientId: ADMIN.clientId, orderId: id };
    expect(await causes()).toEqual([{ cause: 'admin', initiator, sessions: MANY + 1, notices: MANY + 1 }]);
    expect(await progressOf(app, id)).toMatchObject({ total: MANY + 1, done: MANY + 1 });
  });

  it('is disabled, and what begins once it is enabled again lives', async () => {
    const robot = await someoneAt(app, [client]);
    await sessionsOf(robot.accountId, MANY);
    const { body } = await admin('POST', `accounts/${robot.accountId}/disable`);
    expect(body).toMatchObject({ order_id: expect.any(String) as string, sessions: null });
    for (const node of [app, other]) expect(await node.isActive(client, robot.tokens[0]!.access_token)).toBe(false);
    app.clock.advance(SECOND);
    await admin('POST', `accounts/${robot.accountId}/enable`);
    expect(await app.isActive(client, robot.tokens[0]!.access_token)).toBe(false);
    const tokens = await app.signInTo(app.browser(), client, robot.login);
    await runJob(app);
    expect((await causes()).map((row) => (row as { cause: string }).cause)).toEqual(['account_disabled']);
    for (const node of [app, other]) expect(await node.isActive(client, tokens.access_token)).toBe(true);
    expect(await unended(robot.accountId)).toBe(1);
  });

  it('is deleted, and signs out its other sessions, in one statement that is answered', async () => {
    const robot = await someoneAt(app, [client]);
    await sessionsOf(robot.accountId, MANY);
    const page = await robot.browser.get('/account/sessions');
    expect((await robot.browser.submit(page, 'end-others')).status).toBeLessThan(400);
    expect(await unended(robot.accountId)).toBe(1);
    await sessionsOf(robot.accountId, MANY);
    expect((await admin('DELETE', `accounts/${robot.accountId}`)).status).toBe(204);
    expect(await causes()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ cause: 'account_deleted', sessions: MANY + 1, notices: MANY + 1 }),
      ]),
    );
  });
});

describe('a person with few sessions, where others have many', () => {
  it('is signed out by look-ups of keys, on tables that were never analyzed', async () => {
    const app = await TestApp.start();
    const party = await StubRelyingParty.start();
    await neverAnalyzed(app.db);
    const clients = [await clientOf(app, party), await clientOf(app, party)];
    await seed(
      app,
      'many',
      20_000,
      clients.map(({ clientId }) => clientId),
    );
    const { accountId } = await someoneAt(app, clients);
    const token = await app.adminToken();
    const sent = await sentDuring(async () => {
      const { body } = await app.json('DELETE', `/admin/v1/sessions?account_id=${accountId}`, { token });
      expect(body).toMatchObject({ sessions: 1, grants_revoked: 2, deliveries: 2 });
    });
    // Once more, for what the statements read.
    await app.db.query('UPDATE sessions SET terminated_at = NULL WHERE account_id = $1', [accountId]);
    await app.db.query('UPDATE grants SET revoked_at = NULL, revoked_cause = NULL WHERE account_id = $1', [accountId]);
    await app.db.query('TRUNCATE session_terminations, logout_receipts_owed, audit_events');
    const pages: Record<string, number> = {};
    for (const one of sent)
      if (one.name?.endsWith('_account') === true) pages[one.name] = await pagesOfSent(app.db, one);
    expect(Object.keys(pages).toSorted()).toEqual(['logout_orders_rows_of_account', 'logout_terminate_account']);
    expect(pages.logout_orders_rows_of_account).toBeLessThan(30);
    expect(pages.logout_terminate_account).toBeLessThan(400);
    await Promise.all([app.stop(), party.stop()]);
  });
});
