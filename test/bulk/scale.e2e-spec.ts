import pg from 'pg';
import { NOTICES } from '../support/ledger.js';
import { LogoutOrderWorkRepository } from '../../src/domain/logout/orders/logout-order-work.repository.js';
import { TestApp, type TestClient } from '../support/app.js';
import { order, placed, progressOf, runJob, seed } from './scene.js';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const SESSIONS = 100_000;
const SAMPLE = [1, 2, 499, 500, 501, 31_415, 99_999, SESSIONS];

describe('100,000 sessions', () => {
  let app: TestApp;
  let other: TestApp;
  let clients: TestClient[];

  const clientOf = (i: number): TestClient => clients[i % clients.length]!;

  beforeAll(async () => {
    app = await TestApp.start();
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
    clients = await Promise.all(
      [1, 2, 3].map((n) => app.createClient({ backchannel_logout_uri: `http://127.0.0.1:9/logout-${n}` })),
    );
    await seed(
      app,
      'many',
      SESSIONS,
      clients.map(({ clientId }) => clientId),
    );
    await app.db.query('ANALYZE');
  });
  afterAll(async () => {
    await other.stop();
    await app.stop();
  });

  /** How many statements this process sends while `work` runs. */
  async function statementsDuring(work: () => Promise<unknown>): Promise<number> {
    const query = vi.spyOn(pg.Client.prototype, 'query');
    try {
      await work();
      return query.mock.calls.length;
    } finally {
      query.mockRestore();
    }
  }

  it('are ordered dead by one row, by as many statements as none, and the job then records each of them', async () => {
    for (const i of SAMPLE) expect(await other.isActive(clientOf(i), `many-${i}`)).toBe(true);
    const nobody = await app.createAccount();
    await placed(app, { account_id: nobody.id });
    const forNone = await statementsDuring(() => placed(app, { account_id: nobody.id }));
    const before = await app.rowCounts();
    let id = '';
    const forAll = await statementsDuring(async () => {
      const { status, body } = await order(app, { everyone: true, notify_per_second: 10_000 });
      expect(status).toBe(201);
      id = String(body.id);
    });
    expect(await app.rowCounts()).toEqual({
      ...before,
      logout_orders: (before.logout_orders ?? 0) + 1,
      audit_events: (before.audit_events ?? 0) + 1,
    });
    // One fewer: everyone needs no look whether the account is there.
    expect(forAll).toBeLessThanOrEqual(forNone);

    for (const node of [app, other])
      for (const i of SAMPLE) {
        expect(await node.isActive(clientOf(i), `many-${i}`)).toBe(false);
        expect((await node.refresh(clientOf(i), `many-${i}`)).body.error).toBe('invalid_grant');
      }

    const batches: number[] = [];
    const repository = app.app.get(LogoutOrderWorkRepository);
    const apply = vi.spyOn(repository, 'apply').mockImplementation(async (...args) => {
      batches.push(args[2].sessions.length);
      await LogoutOrderWorkRepository.prototype.apply.apply(repository, args);
    });
    await runJob(app);
    apply.mockRestore();
    expect(Math.max(...batches)).toBe(500);
    expect(batches).toHaveLength(SESSIONS / 500);
    expect(await progressOf(app, id)).toMatchObject({
      total: SESSIONS,
      done: SESSIONS,
      grants_revoked: SESSIONS,
      deliveries: SESSIONS,
      deliveries_pending: SESSIONS,
    });
    const [row] = await app.db.query<Record<string, number>>(
      `SELECT (SELECT count(*)::int FROM sessions WHERE terminated_at IS NULL) AS live,
              (SELECT count(*)::int FROM session_terminations) AS terminations,
              (SELECT count(DISTINCT (client_id, sid))::int FROM ${NOTICES}) AS told,
              (SELECT count(*)::int FROM grants WHERE revoked_at IS NULL) AS grants`,
    );
    expect(row).toEqual({ live: 0, terminations: SESSIONS, told: SESSIONS, grants: 0 });
  });
});
