import pg from 'pg';
import { NOTICES } from '../support/ledger.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { seedSessions } from '../bulk/scene.js';
import { ADMIN_ENV, buildOnce, Operator, Service } from './service.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const WAIT = { timeout: 60_000 };
const SESSIONS = 1_700;

interface Progress {
  readonly state: string;
  readonly total: number;
  readonly done: number;
  readonly deliveries: number;
  readonly deliveries_pending: number;
}

interface Notice {
  readonly sid: string;
  readonly state: string;
}

describe('a logout order survives kill -9 of the service within a batch', () => {
  let party: StubRelyingParty;
  let db: TestDatabase;
  const running = new Set<Service>();

  beforeAll(async () => {
    buildOnce();
    [party, db] = await Promise.all([StubRelyingParty.start(), createTestDatabase()]);
  });
  afterAll(async () => {
    await Promise.all([...running].map((service) => service.stop()));
    await Promise.all([party.stop(), db.drop()]);
  });

  async function start(): Promise<Service> {
    const service = await Service.start({
      ...ADMIN_ENV,
      DATABASE_URL: db.url,
      DELIVERY_POLL_MS: '50',
      DELIVERY_TIMEOUT_MS: '5000',
    });
    running.add(service);
    return service;
  }

  const notices = (): Promise<Notice[]> => db.query<Notice>(`SELECT sid, state FROM ${NOTICES}`);

  it('the next node goes on: every session is recorded once, every application is told of each once', async () => {
    const first = await start();
    const operator = await Operator.at(first.base);
    const client = await operator.call<{ client_id: string }>('POST', '/clients', {
      client_name: 'Ledger',
      redirect_uris: [party.redirectUri],
      backchannel_logout_uri: party.backchannelLogoutUri,
    });
    await seedSessions(db, new Date(), 'many', SESSIONS, [client.client_id]);

    // The job stops in its third batch, at a session that somebody else holds.
    const holder = new pg.Client({ connectionString: db.url });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query(
      'SELECT 1 FROM sessions WHERE id = (SELECT id FROM sessions ORDER BY account_id, id OFFSET 1200 LIMIT 1) FOR UPDATE',
    );
    const { id } = await operator.call<{ id: string }>('POST', '/logout-orders', {
      everyone: true,
      notify_per_second: 10_000,
    });
    await vi.waitUntil(
      async () =>
        (
          await db.query(
            `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%sessions%'`,
          )
        ).length > 0,
      WAIT,
    );
    // Some are told already, and more are on their way.
    await vi.waitUntil(async () => (await notices()).some(({ state }) => state === 'delivered'), WAIT);
    expect(await first.stop('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    running.delete(first);
    // Postgres notices that the node is gone when the batch's statement ends.
    await holder.query('COMMIT');
    await holder.end();
    const [order] = await db.query<{ state: string; done: number }>('SELECT state, done FROM logout_orders');
    expect(order).toEqual({ state: 'running', done: 1000 });
    const before = await notices();
    expect(before).toHaveLength(1000);
    const underWay = new Set<unknown>(before.filter(({ state }) => state === 'pending').map(({ sid }) => sid));

    const [second, third] = await Promise.all([start(), start()]);
    const after = await Operator.at(second.base);
    const progress = await vi.waitUntil(async () => {
      const found = await after.call<Progress>('GET', `/logout-orders/${id}`);
      return found.state === 'done' && found.deliveries_pending === 0 && found;
    }, WAIT);
    expect(progress).toMatchObject({ total: SESSIONS, done: SESSIONS, deliveries: SESSIONS });
    const [row] = await db.query<Record<string, number>>(
      `SELECT (SELECT count(*)::int FROM sessions WHERE terminated_at IS NULL) AS live,
              (SELECT count(*)::int FROM session_terminations) AS terminations,
              (SELECT count(DISTINCT termination_id)::int FROM sessions) AS ended`,
    );
    expect(row).toEqual({ live: 0, terminations: SESSIONS, ended: SESSIONS });
    const all = await notices();
    expect(all).toHaveLength(SESSIONS);
    expect(all.filter(({ state }) => state !== 'delivered')).toEqual([]);
    for (const service of [second, third]) {
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      running.delete(service);
    }
    const told = new Map<unknown, number>();
    for (const { claims } of party.received) told.set(claims.sid, (told.get(claims.sid) ?? 0) + 1);
    expect(told.size).toBe(SESSIONS);
    // Whose answer the killed node had written down is not asked again. One whose answer was lost with it may be.
    expect([...told].filter(([sid, times]) => times > 1 && !underWay.has(sid))).toEqual([]);
    expect(underWay.size).toBeLessThan(1000);
  });
});
