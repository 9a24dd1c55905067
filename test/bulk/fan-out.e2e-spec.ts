import { NOTICES } from '../support/ledger.js';
import { SessionExpirySweeper } from '../../src/domain/logout/termination/session-expiry.sweeper.js';
import { LogoutOrderWorkRepository } from '../../src/domain/logout/orders/logout-order-work.repository.js';
import { ADMIN, TestApp, type TestClient } from '../support/app.js';
import { HOUR, MINUTE, SECOND } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { clientOf, deliveriesTo, OFFLINE, someoneAt, terminationsOf } from '../back-channel-logout/scene.js';
import { promptNone, signOut } from '../rp-initiated-logout/end-session.js';
import { order, placed, progressOf, runJob, seed, step } from './scene.js';

const BATCH = 500;

describe('the job that follows an order', () => {
  let app: TestApp;
  let other: TestApp;
  let party: StubRelyingParty;
  let ledger: TestClient;
  let wiki: TestClient;

  beforeEach(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
    ledger = await clientOf(app, party);
    wiki = await clientOf(app, party);
  });
  afterEach(async () => {
    await other.stop();
    await Promise.all([app.stop(), party.stop()]);
  });

  const dueAt = async (clientId: string): Promise<number[]> =>
    (await deliveriesTo(app, clientId)).map((row) => row.next_attempt_at.getTime()).sort((a, b) => a - b);

  /** Every notice that is due, minute by minute, until the order is done and each has been sent. */
  async function untilDone(id: string): Promise<void> {
    for (let minute = 0; minute < 60; minute += 1) {
      await runJob(app);
      await app.sendDue();
      const { state, deliveries_pending: pending } = await progressOf(app, id);
      if (state === 'done' && pending === 0) return;
      // A run sends as much as one application may have under way, and leaves the rest to the next.
      if (state !== 'done') app.clock.advance(MINUTE);
    }
    throw new Error('the order is not done');
  }

  it('records each session with its cause and who ordered it, and tells each application once of each', async () => {
    const mia = await someoneAt(app, [ledger, wiki]);
    const second = app.browser();
    await app.signInTo(second, ledger, mia.login, OFFLINE);
    const bob = await someoneAt(app, [ledger]);
    const id = await placed(app, { account_id: mia.accountId });
    await untilDone(id);

    const records = await terminationsOf(app, mia.accountId);
    expect(records).toMatchObject([
      { cause: 'logout_order', sessions: 1, grants_revoked: 2, deliveries: 2 },
      { cause: 'logout_order', sessions: 1, grants_revoked: 1, deliveries: 1 },
    ]);
    for (const { initiator } of records)
      expect(initiator).toEqual({ kind: 'operator', clientId: ADMIN.clientId, orderId: id });
    expect(party.received.map(({ claims }) => claims.sub)).toEqual(Array(3).fill(mia.accountId));
    expect(new Set(party.received.map(({ claims }) => claims.sid)).size).toBe(3);
    expect(await progressOf(app, id)).toMatchObject({
      state: 'done',
      total: 2,
      done: 2,
      grants_revoked: 3,
      deliveries: 3,
      deliveries_pending: 0,
    });
    expect(await terminationsOf(app, bob.accountId)).toEqual([]);
    expect(await promptNone(app, bob.browser, ledger)).toBe('code');
    expect(await step(app)).toBe(false);
    const { body } = await app.json('GET', '/admin/v1/audit-events?event=logout_order&limit=1', {
      token: await app.adminToken(),
    });
    expect(body.items).toMatchObject([{ details: { order_id: id, change: 'done', sessions: 2, deliveries: 3 } }]);
  });

  it('a client is told of each session, and the sessions go on; a session it joined afterwards is not told', async () => {
    const mia = await someoneAt(app, [ledger, wiki]);
    const offline = await someoneAt(app, [ledger], OFFLINE);
    const sids = (
      await app.db.query<{ sid: string }>('SELECT sid FROM session_clients WHERE client_id = $1', [ledger.clientId])
    ).map(({ sid }) => sid);
    const id = await placed(app, { client_id: ledger.clientId });
    const late = await someoneAt(app, [ledger]);
    await untilDone(id);
    expect(party.received.map(({ claims }) => String(claims.sid)).sort()).toEqual(sids.sort());
    expect(party.received.map(({ claims }) => claims.aud)).toEqual([ledger.clientId, ledger.clientId]);
    expect(await terminationsOf(app, mia.accountId)).toMatchObject([{ sessions: 0, grants_revoked: 1, deliveries: 1 }]);
    expect(await progressOf(app, id)).toMatchObject({ total: 2, done: 2, grants_revoked: 2, deliveries: 2 });
    for (const { browser } of [mia, offline, late]) expect(await promptNone(app, browser, wiki)).toBe('code');
    expect(await app.isActive(ledger, late.tokens[0]!.access_token)).toBe(true);
  });

  it('grants that no session of the order holds are revoked too', async () => {
    const mia = await someoneAt(app, [ledger], OFFLINE);
    await signOut(mia.browser);
    await app.sendDue();
    const told = party.received.length;
    const id = await placed(app, { everyone: true });
    await untilDone(id);
    expect(await progressOf(app, id)).toMatchObject({ total: 0, done: 0, grants_revoked: 1, deliveries: 0 });
    expect(await app.db.query('SELECT revoked_cause FROM grants')).toEqual([{ revoked_cause: 'logout_order' }]);
    const audited = await app.json('GET', '/admin/v1/audit-events?event=session_termination', {
      token: await app.adminToken(),
    });
    expect((audited.body.items as unknown[])[0]).toMatchObject({
      details: { cause: 'logout_order', sessions: 0, grants_revoked: 1 },
    });
    expect(party.received).toHaveLength(told);
  });

  it('a session that the person ends meanwhile is told once, by that logout', async () => {
    const mia = await someoneAt(app, [ledger]);
    const id = await placed(app, { everyone: true });
    const token = await app.adminToken();
    const [session] = await app.db.query<{ id: string }>('SELECT id FROM sessions');
    await app.json('DELETE', `/admin/v1/sessions/${session?.id}`, { token });
    await untilDone(id);
    expect(await terminationsOf(app, mia.accountId)).toMatchObject([{ cause: 'admin', deliveries: 1 }]);
    expect(party.received).toHaveLength(1);
  });

  it('what begins after the order is left alone, though the job has not come to it yet', async () => {
    const mia = await someoneAt(app, [ledger]);
    const id = await placed(app, { account_id: mia.accountId });
    const tokens = await app.signInTo(app.browser(), ledger, mia.login);
    await untilDone(id);
    expect(await progressOf(app, id)).toMatchObject({ total: 1, done: 1 });
    expect(await app.isActive(ledger, tokens.access_token)).toBe(true);
    expect(party.received).toHaveLength(1);
  });

  it('tells only those applications that want to hear of orders', async () => {
    const deaf = await clientOf(app, party, { backchannel_logout_causes: ['end_session'] });
    const keen = await clientOf(app, party, { backchannel_logout_causes: ['logout_order'] });
    const mia = await someoneAt(app, [deaf, keen]);
    const id = await placed(app, { account_id: mia.accountId });
    const ofDeaf = await placed(app, { client_id: deaf.clientId });
    await untilDone(id);
    await untilDone(ofDeaf);
    expect(party.received.map(({ claims }) => claims.aud)).toEqual([keen.clientId]);
    expect(await terminationsOf(app, mia.accountId)).toMatchObject([{ sessions: 1, grants_revoked: 2, deliveries: 1 }]);
  });

  it('keeps what expires while it is paused: nobody is told past the pause, and then by its cause', async () => {
    const mia = await someoneAt(app, [ledger]);
    const id = await placed(app, { account_id: mia.accountId });
    await app.json('POST', `/admin/v1/logout-orders/${id}/pause`, { token: await app.adminToken() });
    await app.app.get(SessionExpirySweeper).sweep();
    app.clock.advance(app.settings.sessionTtlMs + MINUTE);
    const bob = await someoneAt(app, [wiki]);
    app.clock.advance(app.settings.sessionTtlMs + MINUTE);
    expect(await app.app.get(SessionExpirySweeper).sweep()).toBe(1);
    expect(await terminationsOf(app, bob.accountId)).toMatchObject([{ cause: 'session_expired' }]);
    expect(await terminationsOf(app, mia.accountId)).toEqual([]);
    await app.json('POST', `/admin/v1/logout-orders/${id}/resume`, { token: await app.adminToken() });
    await untilDone(id);
    expect(await terminationsOf(app, mia.accountId)).toMatchObject([{ cause: 'logout_order', deliveries: 1 }]);
  });

  it('what has expired before it is its own, too, when nobody has put it on record', async () => {
    const mia = await someoneAt(app, [ledger]);
    app.clock.advance(app.settings.sessionTtlMs + MINUTE);
    const id = await placed(app, { account_id: mia.accountId });
    expect(await app.app.get(SessionExpirySweeper).sweep()).toBe(0);
    await untilDone(id);
    expect(await terminationsOf(app, mia.accountId)).toMatchObject([{ cause: 'logout_order', deliveries: 1 }]);
  });

  it('what it has ended takes up no room among the sessions that a person may have', async () => {
    const limited = await TestApp.start(
      { issuer: app.issuer, maxSessionsPerAccount: 2 },
      { db: app.db, clock: app.clock },
    );
    const { id, login } = await limited.createAccount();
    const token = await limited.adminToken();
    for (let n = 0; n < 2; n += 1) await limited.signInTo(limited.browser(), ledger, login);
    await placed(app, { account_id: id });
    for (let n = 0; n < 2; n += 1) await limited.signInTo(limited.browser(), ledger, login);
    expect(await terminationsOf(app, id)).toEqual([]);
    const { body } = await limited.json('GET', `/admin/v1/sessions?account_id=${id}`, { token });
    expect(body.items).toHaveLength(2);
    await limited.stop();
  });

  describe('rate', () => {
    it('no application has more notices due in a second than the order says, and one does not wait for another', async () => {
      await seed(app, 'many', 30, [ledger.clientId]);
      await seed(app, 'few', 3, [wiki.clientId]);
      const start = app.clock.now().getTime();
      await placed(app, { everyone: true, notify_per_second: 10 });
      await runJob(app);
      expect(await dueAt(ledger.clientId)).toEqual(Array.from({ length: 30 }, (_, i) => start + i * 100));
      expect(await dueAt(wiki.clientId)).toEqual([0, 1, 2].map((i) => start + i * 100));
    });

    it('goes on across batches', async () => {
      await seed(app, 'many', BATCH + 20, [ledger.clientId]);
      const start = app.clock.now().getTime();
      await placed(app, { everyone: true, notify_per_second: 1000 });
      await runJob(app);
      expect(await dueAt(ledger.clientId)).toEqual(Array.from({ length: BATCH + 20 }, (_, i) => start + i));
    });

    it('is the one of the settings when the order names none', async () => {
      expect((await order(app, { everyone: true })).body.notify_per_second).toBe(50);
    });
  });

  describe('pause and resume', () => {
    it('stops records and notices, leaves the dead dead, and goes on where it was at its rate', async () => {
      await seed(app, 'many', BATCH + 10, [ledger.clientId]);
      const token = await app.adminToken();
      const id = await placed(app, { everyone: true, notify_per_second: 100 });
      await step(app);
      expect(await progressOf(app, id)).toMatchObject({ state: 'running', total: BATCH + 10, done: BATCH });
      const paused = await app.json('POST', `/admin/v1/logout-orders/${id}/pause`, { token });
      expect(paused).toMatchObject({ status: 200, body: { state: 'paused', done: BATCH } });
      await runJob(other);
      app.clock.advance(MINUTE);
      await runJob(app);
      await app.sendDue();
      expect(party.received).toHaveLength(0);
      expect(await progressOf(app, id)).toMatchObject({ state: 'paused', done: BATCH, deliveries_pending: BATCH });
      expect((await app.refresh(ledger, `many-${BATCH + 1}`)).body.error).toBe('invalid_grant');

      const again = await app.adminToken();
      const resumed = app.clock.now().getTime();
      expect(await app.json('POST', `/admin/v1/logout-orders/${id}/resume`, { token: again })).toMatchObject({
        status: 200,
        body: { state: 'running' },
      });
      await runJob(app);
      expect(await dueAt(ledger.clientId)).toEqual(
        Array.from({ length: BATCH + 10 }, (_, i) => Math.round(resumed + i * 10)),
      );
      await untilDone(id);
      expect(party.received).toHaveLength(BATCH + 10);
      expect(new Set(party.received.map(({ claims }) => claims.sid)).size).toBe(BATCH + 10);
    }, 60_000);

    it('holds a notice that is tried again, also when its application gets a new address', async () => {
      const mia = await someoneAt(app, [ledger]);
      const id = await placed(app, { account_id: mia.accountId, notify_per_second: 1 });
      party.answerNext(503);
      await runJob(app);
      await app.sendDue();
      const token = await app.adminToken();
      await app.json('POST', `/admin/v1/logout-orders/${id}/pause`, { token });
      await runJob(app);
      const elsewhere = await StubRelyingParty.start();
      const changed = await app.json('PATCH', `/admin/v1/clients/${ledger.clientId}`, {
        token,
        body: { backchannel_logout_uri: elsewhere.backchannelLogoutUri },
      });
      expect(changed.status).toBe(200);
      app.clock.advance(MINUTE);
      await app.sendDue();
      expect([party.received.length, elsewhere.received.length]).toEqual([1, 0]);
      await app.json('POST', `/admin/v1/logout-orders/${id}/resume`, { token: await app.adminToken() });
      await untilDone(id);
      expect([party.received.length, elsewhere.received.length]).toEqual([1, 1]);
      await elsewhere.stop();
    });

    it('does not make its notices old: what fails after a long pause is tried again', async () => {
      const mia = await someoneAt(app, [ledger]);
      const id = await placed(app, { account_id: mia.accountId, notify_per_second: 1 });
      const post = async (verb: string) =>
        app.json('POST', `/admin/v1/logout-orders/${id}/${verb}`, { token: await app.adminToken() });
      await runJob(app);
      await post('pause');
      await runJob(app);
      app.clock.advance(25 * HOUR);
      await post('resume');
      await runJob(app);
      party.answerNext(503);
      await app.sendDue();
      expect(await app.db.query(`SELECT state, attempts FROM ${NOTICES}`)).toEqual([{ state: 'pending', attempts: 1 }]);
      await untilDone(id);
    });

    it('leaves a notice alone that is under way, so that nobody sends it a second time', async () => {
      const mia = await someoneAt(app, [ledger]);
      const id = await placed(app, { account_id: mia.accountId, notify_per_second: 1 });
      const asked = new Promise<() => void>((resolve) => {
        party.answerNext((_request, response) => resolve(() => response.writeHead(200).end()));
      });
      await runJob(app);
      const sending = app.sendDue();
      const accept = await asked;
      const post = async (verb: string) =>
        app.json('POST', `/admin/v1/logout-orders/${id}/${verb}`, { token: await app.adminToken() });
      await post('pause');
      await runJob(app);
      await post('resume');
      await runJob(app);
      await other.sendDue();
      accept();
      await sending;
      expect(await app.db.query(`SELECT state, attempts FROM ${NOTICES}`)).toEqual([
        { state: 'delivered', attempts: 1 },
      ]);
      expect(party.received).toHaveLength(1);
    });

    it('can be paused until its last notice is due; then it is done, and that is a conflict', async () => {
      await seed(app, 'few', 10, [ledger.clientId]);
      const id = await placed(app, { everyone: true, notify_per_second: 1 });
      await runJob(app);
      expect(await progressOf(app, id)).toMatchObject({ state: 'running', done: 10, total: 10 });
      app.clock.advance(10 * SECOND);
      await runJob(app);
      expect(await progressOf(app, id)).toMatchObject({ state: 'done', deliveries_pending: 10 });
      const token = await app.adminToken();
      for (const verb of ['pause', 'resume']) {
        const answer = await app.json('POST', `/admin/v1/logout-orders/${id}/${verb}`, { token });
        expect(answer).toMatchObject({ status: 409, body: { error: 'conflict' } });
      }
      await app.sendDue();
      expect(party.received).toHaveLength(10);
    });

    it('of one that is not there: 404; twice: no harm; before it began: it begins when resumed', async () => {
      const mia = await someoneAt(app, [ledger]);
      const id = await placed(app, { everyone: true });
      const token = await app.adminToken();
      const post = (path: string) => app.json('POST', `/admin/v1/logout-orders/${path}`, { token });
      expect((await post('nobody/pause')).status).toBe(404);
      expect((await post(`${mia.accountId}/pause`)).status).toBe(404);
      await post(`${id}/pause`);
      expect((await post(`${id}/pause`)).body.state).toBe('paused');
      await runJob(app);
      expect(await terminationsOf(app, mia.accountId)).toEqual([]);
      await post(`${id}/resume`);
      expect((await post(`${id}/resume`)).body.state).toBe('queued');
      await untilDone(id);
      expect(party.received).toHaveLength(1);
      const { body } = await app.json('GET', '/admin/v1/audit-events?event=logout_order', { token });
      expect((body.items as { details: { change: string } }[]).map(({ details }) => details.change)).toEqual([
        'done',
        'resumed',
        'paused',
        'placed',
      ]);
    });
  });

  describe('several nodes', () => {
    it('share one order: each session once, each application told once, though one node dies within a batch', async () => {
      const sessions = 3 * BATCH + 7;
      await seed(app, 'many', sessions, [ledger.clientId, wiki.clientId]);
      const id = await placed(app, { everyone: true, notify_per_second: 10_000 });
      await step(app);
      // A node that is gone after the batch is written and before it is committed.
      const apply = vi.spyOn(other.app.get(LogoutOrderWorkRepository), 'apply').mockImplementationOnce(async function (
        this: LogoutOrderWorkRepository,
        ...args
      ) {
        await LogoutOrderWorkRepository.prototype.apply.apply(this, args);
        throw new Error('killed');
      });
      await expect(step(other)).rejects.toThrow('killed');
      apply.mockRestore();
      expect(await progressOf(app, id)).toMatchObject({ done: BATCH, deliveries: BATCH });

      app.clock.advance(5 * SECOND);
      await Promise.all([runJob(app), runJob(other), runJob(app)]);
      expect(await progressOf(app, id)).toMatchObject({ total: sessions, done: sessions, deliveries: sessions });
      const [row] = await app.db.query<Record<string, number>>(
        `SELECT (SELECT count(*)::int FROM sessions WHERE terminated_at IS NULL) AS live,
                (SELECT count(*)::int FROM session_terminations) AS terminations,
                (SELECT count(DISTINCT termination_id)::int FROM sessions) AS ended,
                (SELECT count(*)::int FROM ${NOTICES}) AS notices,
                (SELECT count(DISTINCT (client_id, sid))::int FROM ${NOTICES}) AS told,
                (SELECT count(*)::int FROM grants WHERE revoked_at IS NULL) AS grants`,
      );
      expect(row).toEqual({
        live: 0,
        terminations: sessions,
        ended: sessions,
        notices: sessions,
        told: sessions,
        grants: 0,
      });
    }, 60_000);

    it('work at different orders at the same time', async () => {
      const mia = await someoneAt(app, [ledger]);
      const bob = await someoneAt(app, [wiki]);
      const ids = [await placed(app, { account_id: mia.accountId }), await placed(app, { account_id: bob.accountId })];
      let free: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (free = resolve));
      let reached: () => void = () => undefined;
      const inside = new Promise<void>((resolve) => (reached = resolve));
      vi.spyOn(app.app.get(LogoutOrderWorkRepository), 'lockBatch').mockImplementationOnce(async function (
        this: LogoutOrderWorkRepository,
        ...args
      ) {
        reached();
        await held;
        return LogoutOrderWorkRepository.prototype.lockBatch.apply(this, args);
      });
      const first = step(app);
      await inside;
      await runJob(other);
      expect(await progressOf(other, ids[1]!)).toMatchObject({ done: 1 });
      expect(await progressOf(other, ids[0]!)).toMatchObject({ done: 0 });
      free();
      await first;
      expect(await progressOf(other, ids[0]!)).toMatchObject({ done: 1 });
    });

    it('an order whose batch fails waits a few seconds and keeps no other waiting', async () => {
      const mia = await someoneAt(app, [ledger]);
      const bob = await someoneAt(app, [wiki]);
      const ids = [await placed(app, { account_id: mia.accountId }), await placed(app, { account_id: bob.accountId })];
      vi.spyOn(app.app.get(LogoutOrderWorkRepository), 'apply').mockRejectedValueOnce(new Error('fails'));
      await expect(runJob(app)).rejects.toThrow('fails');
      await runJob(app);
      expect(await progressOf(app, ids[0]!)).toMatchObject({ state: 'queued', done: 0 });
      expect(await progressOf(app, ids[1]!)).toMatchObject({ done: 1 });
      app.clock.advance(5 * SECOND);
      await runJob(app);
      expect(await progressOf(app, ids[0]!)).toMatchObject({ done: 1, deliveries: 1 });
    });

    it('a node that is stopped leaves the rest to another', async () => {
      await seed(app, 'many', BATCH + 1, [ledger.clientId]);
      const third = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
      const id = await placed(app, { everyone: true, notify_per_second: 10_000 });
      await step(third);
      await third.stop();
      await runJob(other);
      expect(await progressOf(app, id)).toMatchObject({ done: BATCH + 1, deliveries: BATCH + 1 });
    });
  });

  it('lists orders, newest first, page by page', async () => {
    const ids = [await placed(app, { everyone: true }), await placed(app, { client_id: ledger.clientId })];
    const token = await app.adminToken();
    const first = await app.json('GET', '/admin/v1/logout-orders?limit=1', { token });
    expect(first.body).toMatchObject({ items: [{ id: ids[1], client_id: ledger.clientId }], next_cursor: ids[1] });
    const second = await app.json('GET', `/admin/v1/logout-orders?limit=1&cursor=${ids[1]}`, { token });
    expect(second.body).toEqual({ items: [expect.objectContaining({ id: ids[0], everyone: true })] });
    expect((await app.json('GET', '/admin/v1/logout-orders/nobody', { token })).status).toBe(404);
  });
});
