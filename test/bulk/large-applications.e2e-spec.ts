import { LogoutOrderWorkRepository } from '../../src/domain/logout/orders/logout-order-work.repository.js';
import { ADMIN, TestApp, type Answer, type TestClient } from '../support/app.js';
import { HOUR, SECOND } from '../support/clock.js';
import { NOTICES } from '../support/ledger.js';
import { stoppedAt, untilWaiting } from '../support/locks.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { StubUpstream } from '../support/stub-upstream.js';
import { clientOf, OFFLINE, someoneAt } from '../back-channel-logout/scene.js';
import { promptNone, signOut } from '../rp-initiated-logout/end-session.js';
import { redeem } from '../tokens/token-requests.js';
import { progressOf, runJob, seed, step } from './scene.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** What ends in the request that asks for it: no more than this. */
const AT_ONCE = 500;
const MANY = 1200;

describe('an application with more sessions than one statement should end', () => {
  let app: TestApp;
  let other: TestApp;
  let party: StubRelyingParty;
  let reader: TestClient;
  let token: string;

  beforeEach(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
    reader = await app.createClient({ resource_server: true });
    token = await app.adminToken();
  });
  afterEach(async () => {
    await other.stop();
    await Promise.all([app.stop(), party.stop()]);
  });

  const admin = (method: string, path: string, body?: Record<string, unknown>): Promise<Answer> =>
    app.json(method, `/admin/v1/${path}`, { token, body });
  const turn = (client: TestClient, to: 'disable' | 'enable'): Promise<Answer> =>
    admin('POST', `clients/${client.clientId}/${to}`);

  async function usedBy(n: number, metadata: Record<string, unknown> = {}): Promise<TestClient> {
    const client = await clientOf(app, party, { scope: 'openid offline_access', ...metadata });
    await seed(app, client.clientId, n, [client.clientId]);
    return client;
  }

  /** The newest order, which a change has placed. */
  async function placedOrder(): Promise<Record<string, unknown>> {
    const { body } = await admin('GET', 'logout-orders?limit=1');
    return (body.items as Record<string, unknown>[])[0] ?? {};
  }

  /** What is on record by a cause. */
  async function recorded(cause: string): Promise<unknown> {
    const [row] = await app.db.query(
      `SELECT count(*)::int AS records, sum(sessions)::int AS sessions, sum(grants_revoked)::int AS grants,
              sum(deliveries)::int AS notices FROM session_terminations WHERE cause = $1`,
      [cause],
    );
    return row;
  }
  const aliveGrants = async (clientId: string): Promise<number> =>
    (await app.db.query('SELECT 1 FROM grants WHERE client_id = $1 AND revoked_at IS NULL', [clientId])).length;

  it('is disabled by one row: dead at once on every node, and told by the job, by the same cause', async () => {
    const client = await usedBy(MANY);
    const mia = await someoneAt(app, [client]);
    const before = await app.rowCounts();
    const answer = await turn(client, 'disable');
    expect(answer.status).toBe(200);
    const id = String(answer.body.order_id);
    expect(answer.body).toEqual({ order_id: id, sessions: null, grants_revoked: null, deliveries: null });
    const after = await app.rowCounts();
    const { logout_orders: orders = 0, audit_events: events = 0 } = before;
    expect(after).toEqual({ ...before, logout_orders: orders + 1, audit_events: events + 2 });
    for (const node of [app, other]) {
      expect(await node.isActive(reader, mia.tokens[0]!.access_token)).toBe(false);
      expect((await node.json('GET', '/userinfo', { token: mia.tokens[0]!.access_token })).status).toBe(401);
    }
    expect(await placedOrder()).toMatchObject({
      id,
      client_id: client.clientId,
      cause: 'client_disabled',
      operator: ADMIN.clientId,
    });

    await runJob(other);
    expect(await recorded('client_disabled')).toEqual({
      records: MANY + 1,
      sessions: 0,
      grants: MANY + 1,
      notices: MANY + 1,
    });
    expect(await recorded('logout_order')).toMatchObject({ records: 0 });
    const initiators = await app.db.query('SELECT DISTINCT initiator FROM session_terminations');
    expect(initiators).toEqual([{ initiator: { kind: 'operator', clientId: ADMIN.clientId, orderId: id } }]);
    const causes = await app.db.query('SELECT DISTINCT revoked_cause FROM grants');
    expect(causes).toEqual([{ revoked_cause: 'client_disabled' }]);
    const progress = await progressOf(app, id);
    expect(progress).toMatchObject({ total: MANY + 1, done: MANY + 1, grants_revoked: MANY + 1, deliveries: MANY + 1 });
    expect(await promptNone(app, mia.browser, await app.createClient())).toBe('code');
    app.clock.advance(HOUR);
    await app.sendDue();
    expect(party.received.length).toBeGreaterThan(0);
  });

  it('that is smaller ends in the request, and is answered as it always was', async () => {
    const client = await usedBy(AT_ONCE);
    const answer = await turn(client, 'disable');
    expect(answer.body).toEqual({
      termination_id: expect.any(String) as string,
      sessions: 0,
      grants_revoked: AT_ONCE,
      deliveries: AT_ONCE,
      not_told: 0,
    });
    expect(await app.db.query('SELECT 1 FROM logout_orders')).toEqual([]);
    expect(await aliveGrants(client.clientId)).toBe(0);
  });

  it('stays ended when it is enabled before the job has run; what begins then lives and is not told', async () => {
    const client = await usedBy(MANY);
    const mia = await someoneAt(app, [client]);
    const id = String((await turn(client, 'disable')).body.order_id);
    app.clock.advance(SECOND);
    expect((await turn(client, 'enable')).status).toBe(200);
    for (const node of [app, other]) {
      expect(await node.isActive(client, `${client.clientId}-7`)).toBe(false);
      expect((await node.refresh(client, `${client.clientId}-7`)).body.error).toBe('invalid_grant');
      expect(await node.isActive(client, mia.tokens[0]!.access_token)).toBe(false);
    }
    const ben = await someoneAt(app, [client]);
    await runJob(app);
    expect(await progressOf(app, id)).toMatchObject({ total: MANY + 1, done: MANY + 1, deliveries: MANY + 1 });
    for (const node of [app, other]) expect(await node.isActive(client, ben.tokens[0]!.access_token)).toBe(true);
    expect(await aliveGrants(client.clientId)).toBe(1);
    const told = await app.db.query(`SELECT 1 FROM ${NOTICES} WHERE sub = $1`, [ben.accountId]);
    expect(told).toEqual([]);
  });

  it('a batch that is lost is made again by another node', async () => {
    const client = await usedBy(MANY);
    const id = String((await turn(client, 'disable')).body.order_id);
    expect(await step(app)).toBe(true);
    const repository = app.app.get(LogoutOrderWorkRepository);
    const lost = vi.spyOn(repository, 'apply').mockImplementation(async (...args) => {
      await LogoutOrderWorkRepository.prototype.apply.apply(repository, args);
      throw new Error('the node is gone');
    });
    await expect(step(app)).rejects.toThrow('the node is gone');
    lost.mockRestore();
    expect(await progressOf(app, id)).toMatchObject({ done: 500, total: MANY });
    app.clock.advance(5 * SECOND);
    await runJob(other);
    expect(await recorded('client_disabled')).toMatchObject({ records: MANY, notices: MANY });
    const told = await app.db.query(`SELECT 1 FROM ${NOTICES} GROUP BY client_id, sid HAVING count(*) > 1`);
    expect(told).toEqual([]);
  });

  it.each([
    [['client_disabled'], MANY],
    [['logout_order'], 0],
  ])('is told only of the causes that it wants: %j', async (wanted, notices) => {
    const client = await usedBy(MANY, { backchannel_logout_causes: wanted });
    const id = String((await turn(client, 'disable')).body.order_id);
    await runJob(app);
    expect(await progressOf(app, id)).toMatchObject({ done: MANY, deliveries: notices });
  });

  it('a code exchange under way when it is disabled gets tokens that are dead, and it is told of that session', async () => {
    const client = await usedBy(MANY);
    const { id, login } = await app.createAccount();
    const code = await app.codeFor(app.browser(), client, login);
    let job = Promise.resolve();
    const answer = await stoppedAt(
      app.db,
      'session_clients',
      () => redeem(app, client, code),
      async () => {
        expect((await turn(client, 'disable')).status).toBe(200);
        job = runJob(other);
        await untilWaiting(app.db, 2);
      },
    );
    await job;
    const accessToken = String(answer.body.access_token);
    for (const node of [app, other]) expect(await node.isActive(reader, accessToken)).toBe(false);
    const told = await app.db.query(`SELECT 1 FROM ${NOTICES} WHERE sub = $1`, [id]);
    expect(told).toHaveLength(1);
  });

  it('is deleted: still told of each session, also where the person signs out before its turn', async () => {
    const client = await usedBy(MANY);
    const mia = await someoneAt(app, [client]);
    expect((await admin('DELETE', `clients/${client.clientId}`)).status).toBe(204);
    const order = await placedOrder();
    expect(order).toMatchObject({ client_id: client.clientId, cause: 'client_deleted' });
    for (const node of [app, other]) expect(await node.isActive(reader, mia.tokens[0]!.access_token)).toBe(false);
    await signOut(mia.browser);
    await runJob(app);
    const told = await app.db.query<{ client_id: string; n: number }>(
      `SELECT client_id, count(*)::int AS n FROM ${NOTICES} WHERE sub = $1 GROUP BY client_id`,
      [mia.accountId],
    );
    expect(told).toEqual([{ client_id: client.clientId, n: 1 }]);
    expect(await recorded('client_deleted')).toMatchObject({ grants: MANY, notices: MANY });
    app.clock.advance(HOUR);
    await app.sendDue();
    expect(party.received.some(({ claims }) => claims.sub === mia.accountId)).toBe(true);
    expect(party.received.length).toBeGreaterThan(1);
    // It is on record as deleted for those whose sessions end from now on.
    await runJob(app);
    expect((await progressOf(app, String(order.id))).state).toBe('done');
  });

  it('deletes itself: on record as its own word', async () => {
    const { body } = await app.json('POST', '/register', {
      token,
      body: { redirect_uris: [party.redirectUri], backchannel_logout_uri: party.backchannelLogoutUri },
    });
    const clientId = String(body.client_id);
    await seed(app, 'own', AT_ONCE + 1, [clientId]);
    const answer = await app.json('DELETE', `/register/${clientId}`, { token: String(body.registration_access_token) });
    expect(answer.status).toBe(204);
    await runJob(app);
    expect(await recorded('client_deleted')).toMatchObject({ records: AT_ONCE + 1, notices: AT_ONCE + 1 });
    const initiators = await app.db.query('SELECT DISTINCT initiator FROM session_terminations');
    expect(initiators).toEqual([{ initiator: { kind: 'client', clientId } }]);
  });

  it('loses offline access: what it has of it is dead at once, and nothing else', async () => {
    const client = await usedBy(MANY);
    await app.db.query(
      `UPDATE grants SET offline = true, scope = 'openid offline_access'
        WHERE id IN (SELECT id FROM grants WHERE client_id = $1 ORDER BY id LIMIT 700)`,
      [client.clientId],
    );
    const online = await someoneAt(app, [client]);
    const offline = await someoneAt(app, [client], OFFLINE);
    const registered = ['authorization_code', 'refresh_token'];
    const change = (scope: string) => admin('PATCH', `clients/${client.clientId}`, { scope, grant_types: registered });
    expect((await change('openid')).status).toBe(200);
    const order = await placedOrder();
    expect(order).toMatchObject({
      client_id: client.clientId,
      offline_only: true,
      cause: 'offline_access_withdrawn',
    });
    for (const node of [app, other]) {
      expect(await node.isActive(reader, offline.tokens[0]!.access_token)).toBe(false);
      expect((await node.refresh(client, offline.tokens[0]!.refresh_token)).body.error).toBe('invalid_grant');
      expect(await node.isActive(reader, online.tokens[0]!.access_token)).toBe(true);
    }
    // What it is given again later, people are asked for again.
    expect((await change('openid offline_access')).status).toBe(200);
    expect(await other.isActive(reader, offline.tokens[0]!.access_token)).toBe(false);
    const later = await someoneAt(app, [client], OFFLINE);
    await runJob(other);
    expect(await progressOf(app, String(order.id))).toMatchObject({
      total: 701,
      done: 701,
      grants_revoked: 701,
      deliveries: 701,
    });
    expect(await recorded('offline_access_withdrawn')).toMatchObject({ sessions: 0, grants: 701, notices: 701 });
    for (const { tokens } of [online, later])
      for (const node of [app, other]) expect(await node.isActive(reader, tokens[0]!.access_token)).toBe(true);
    expect(await aliveGrants(client.clientId)).toBe(502);
  });

  it('loses its people: to them it is what a disabled one is', async () => {
    const client = await usedBy(MANY);
    const mia = await someoneAt(app, [client]);
    const answer = await admin('PATCH', `clients/${client.clientId}`, {
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'reports',
    });
    expect(answer.status).toBe(200);
    expect(await placedOrder()).toMatchObject({ client_id: client.clientId, cause: 'client_disabled' });
    expect(await other.isActive(reader, mia.tokens[0]!.access_token)).toBe(false);
    await runJob(app);
    expect(await recorded('client_disabled')).toMatchObject({ grants: MANY + 1, notices: MANY + 1 });
  });

  it('a provider with as many people is deleted in the same way: the sessions that began by it end', async () => {
    const client = await usedBy(MANY);
    const stays = await someoneAt(app, [client]);
    const upstream = await StubUpstream.start(app.clock);
    const name = await upstream.register(app);
    const [{ id: upstreamId } = { id: '' }] = await app.db.query<{ id: string }>('SELECT id FROM upstreams');
    await app.db.query(
      `INSERT INTO session_upstreams (account_id, session_id, issuer, upstream_id, sub, id_token, authenticated_at)
       SELECT account_id, session_id, $1, $2, session_id, 'sealed', $3 FROM session_clients WHERE sid LIKE 'sid-%'`,
      [upstream.issuer, upstreamId, app.clock.now()],
    );
    await app.db.query('UPDATE grants SET upstream_id = $1 WHERE account_id <> $2', [upstreamId, stays.accountId]);
    expect((await admin('DELETE', `upstreams/${name}`)).status).toBe(204);
    expect(await placedOrder()).toMatchObject({ upstream: name, cause: 'upstream_deleted' });
    expect((await other.refresh(client, `${client.clientId}-9`)).body.error).toBe('invalid_grant');
    expect(await other.isActive(client, stays.tokens[0]!.access_token)).toBe(true);
    await runJob(app);
    expect(await recorded('upstream_deleted')).toMatchObject({ sessions: MANY, grants: MANY, notices: MANY });
    const live = await app.db.query('SELECT account_id FROM sessions WHERE terminated_at IS NULL');
    expect(live).toEqual([{ account_id: stays.accountId }]);
    await upstream.stop();
  });
});
