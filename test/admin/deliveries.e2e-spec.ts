import { randomUUID } from 'node:crypto';
import { TestApp, type Answer, type TestClient } from '../support/app.js';
import { DAY, HOUR, MINUTE, SECOND } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { attemptsOf, clientOf, deliveriesTo, dueNotices, noticeById } from '../back-channel-logout/scene.js';

type Item = Readonly<Record<string, unknown>>;

describe('notices that did not arrive, for operators', () => {
  let app: TestApp;
  let party: StubRelyingParty;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  beforeEach(async () => {
    party = await StubRelyingParty.start();
    client = await clientOf(app, party);
  });
  afterEach(() => party.stop());
  afterAll(() => app.stop());

  const call = async (method: string, path: string, body?: unknown): Promise<Answer> =>
    app.json(method, `/admin/v1${path}`, { token: await app.adminToken(), body });
  const list = async (query: Record<string, string>): Promise<Item[]> =>
    (await call('GET', `/deliveries?${new URLSearchParams({ client_id: client.clientId, ...query })}`)).body
      .items as Item[];
  const resentEvents = (): Promise<{ details: Item }[]> =>
    app.db.query(`SELECT details FROM audit_events WHERE event = 'deliveries_resent' ORDER BY id`);

  /** One notice that the application answered with this status, once. */
  async function answered(status: number, clientId = client.clientId): Promise<string> {
    party.answerNext(status);
    const [id] = await dueNotices(app, clientId, 1);
    await app.sendDue();
    return id!;
  }

  /** One that has been given up for its age. */
  async function abandoned(): Promise<string> {
    party.answerNext(500);
    const [id] = await dueNotices(app, client.clientId, 1, { created: new Date(app.clock.now().getTime() - DAY) });
    await app.sendDue();
    return id!;
  }

  /** Everything about notices, to the last column. */
  const ledger = (): Promise<unknown[]> =>
    app.db.query(
      'SELECT d.*, b.* FROM logout_deliveries d LEFT JOIN logout_delivery_breakers b USING (client_id) ORDER BY d.id',
    );

  describe('list', () => {
    it('by state, error and time, and by all of them together', async () => {
      const rejected = await answered(400);
      app.clock.advance(MINUTE);
      const between = app.clock.now().toISOString();
      app.clock.advance(MINUTE);
      const pending = await answered(503);
      const given = await abandoned();
      const ids = async (query: Record<string, string>): Promise<unknown[]> => (await list(query)).map(({ id }) => id);
      expect(await ids({ state: 'rejected' })).toEqual([rejected]);
      expect(await ids({ state: 'abandoned' })).toEqual([given]);
      expect(await ids({ error_code: 'http_503' })).toEqual([pending]);
      expect(await ids({ created_after: between })).toEqual([pending]);
      expect(await ids({ created_before: between })).toEqual([rejected, given]);
      expect(await ids({ created_before: between, state: 'rejected' })).toEqual([rejected]);
      expect(await ids({ created_before: between, state: 'pending' })).toEqual([]);
      expect(await ids({ termination_id: (await noticeById(app, given)).termination_id })).toEqual([given]);
    });

    it.each(['created_after=yesterday', 'created_before=2026-02-31', 'termination_id=x', 'state=dead'])(
      '400 for %s',
      async (query) => expect((await call('GET', `/deliveries?${query}`)).status).toBe(400),
    );

    it('in pages, with a filter', async () => {
      for (let n = 0; n < 5; n += 1) {
        await answered(400);
        app.clock.advance(SECOND);
      }
      await answered(200);
      const seen: unknown[] = [];
      let cursor: string | undefined;
      do {
        const { body } = await call(
          'GET',
          `/deliveries?client_id=${client.clientId}&state=rejected&limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`,
        );
        seen.push(...(body.items as Item[]).map(({ id }) => id));
        cursor = body.next_cursor as string | undefined;
      } while (cursor !== undefined);
      const rejected = (await deliveriesTo(app, client.clientId)).filter(({ state }) => state === 'rejected');
      expect(seen).toEqual(rejected.map(({ id }) => id).toReversed());
    });
  });

  describe('resend one', () => {
    it('rejected: with a fresh token, attempts counted on, and its age counted anew', async () => {
      const id = await answered(400);
      app.clock.advance(2 * DAY);
      party.answerNext(500);
      const answer = await call('POST', `/deliveries/${id}/resend`);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ id, resent_at: app.clock.now().toISOString() });
      await app.sendDue();
      // It is older than notices get; its age counts from the order.
      const { body } = await call('GET', `/deliveries/${id}`);
      expect(body).toMatchObject({ state: 'pending', attempts: 2, last_error: 'http_500' });
      app.clock.advance(MINUTE);
      await app.sendDue();
      expect(await noticeById(app, id)).toMatchObject({ state: 'delivered', attempts: 3 });
      expect(await attemptsOf(app, id)).toMatchObject([
        { number: 1, status: 400 },
        { number: 2, status: 500 },
        { number: 3, status: 200 },
      ]);
      const claims = party.received.map((received) => received.claims);
      expect(new Set(claims.map(({ jti }) => jti)).size).toBe(3);
      expect(new Set(claims.map(({ sid }) => sid)).size).toBe(1);
      expect(claims[1]!.iat! - claims[0]!.iat!).toBe((2 * DAY) / SECOND);
    });

    it('abandoned: is delivered', async () => {
      const id = await abandoned();
      expect(await noticeById(app, id)).toMatchObject({ state: 'abandoned' });
      expect((await call('POST', `/deliveries/${id}/resend`)).status).toBe(200);
      await app.sendDue();
      expect(await noticeById(app, id)).toMatchObject({ state: 'delivered', attempts: 2, last_error: null });
    });

    it('pending: goes out at once instead of when it would have been tried again', async () => {
      const id = await answered(500);
      await app.sendDue();
      expect(party.received).toHaveLength(1);
      await call('POST', `/deliveries/${id}/resend`);
      await app.sendDue();
      expect(party.received).toHaveLength(2);
      expect(await noticeById(app, id)).toMatchObject({ state: 'delivered' });
    });

    it('is over at some time: given up again when its age is up anew', async () => {
      const id = await abandoned();
      party.always(500);
      await call('POST', `/deliveries/${id}/resend`);
      for (let n = 0; n < 60 && (await noticeById(app, id)).state === 'pending'; n += 1) {
        await app.sendDue();
        app.clock.advance(HOUR / 2);
      }
      const { state, finished_at: finished } = await noticeById(app, id);
      expect(state).toBe('abandoned');
      expect(app.clock.now().getTime() - finished!.getTime()).toBeLessThan(2 * HOUR);
    });

    it('delivered: refused, and nothing changes', async () => {
      const id = await answered(200);
      const before = await ledger();
      const answer = await call('POST', `/deliveries/${id}/resend`);
      expect([answer.status, answer.body.error]).toEqual([409, 'conflict']);
      expect(await ledger()).toEqual(before);
      await app.sendDue();
      expect(party.received).toHaveLength(1);
    });

    it('404 for one that there is not', async () => {
      expect((await call('POST', `/deliveries/${randomUUID()}/resend`)).status).toBe(404);
      expect((await call('POST', '/deliveries/nonsense/resend')).status).toBe(404);
    });

    it('while it is being sent: it is sent once', async () => {
      let answer = (): unknown => undefined;
      party.answerNext((_request, response) => (answer = () => response.writeHead(200).end()));
      const [id] = await dueNotices(app, client.clientId, 1);
      const sending = app.sendDue();
      await party.waitFor(1);
      const resent = await call('POST', `/deliveries/${id}/resend`);
      expect(resent.status).toBe(200);
      expect(resent.body.resent_at).toBeUndefined();
      answer();
      await sending;
      await app.sendDue();
      expect(party.received).toHaveLength(1);
      expect(await noticeById(app, id!)).toMatchObject({ state: 'delivered', attempts: 1 });
    });
  });

  describe('resend many', () => {
    it('all of an application: what was delivered is left out, other applications too', async () => {
      const elsewhere = await clientOf(app, party);
      await answered(400, elsewhere.clientId);
      await answered(200);
      await answered(400);
      await abandoned();
      await answered(500);
      const before = party.received.length;
      expect((await call('POST', '/deliveries/resend', { client_id: client.clientId })).body).toEqual({ resent: 3 });
      await app.sendDue();
      expect(party.received).toHaveLength(before + 3);
      expect(new Set(party.received.map(({ claims }) => claims.jti)).size).toBe(before + 3);
      expect((await deliveriesTo(app, client.clientId)).map(({ state }) => state)).toEqual(Array(4).fill('delivered'));
      expect((await deliveriesTo(app, elsewhere.clientId)).map(({ state }) => state)).toEqual(['rejected']);
      expect((await call('POST', '/deliveries/resend', { client_id: client.clientId })).body).toEqual({ resent: 0 });
    });

    it.each<[string, (ids: { rejected: string; given: string; pending: string }) => Item | Promise<Item>, string[]]>([
      ['ids', ({ rejected, pending }) => ({ ids: [rejected, pending, randomUUID()] }), ['rejected', 'pending']],
      ['state', () => ({ client_id: client.clientId, state: 'abandoned' }), ['given']],
      ['error', () => ({ client_id: client.clientId, error_code: 'http_400' }), ['rejected']],
      [
        'termination',
        async ({ given }) => ({ termination_id: (await noticeById(app, given)).termination_id }),
        ['given'],
      ],
      [
        'time',
        () => ({
          client_id: client.clientId,
          created_before: new Date(app.clock.now().getTime() - HOUR).toISOString(),
        }),
        ['given'],
      ],
      ['ids and state, which must both fit', ({ rejected }) => ({ ids: [rejected], state: 'abandoned' }), []],
    ])('by %s', async (_name, filter, expected) => {
      const ids = { rejected: await answered(400), given: await abandoned(), pending: await answered(503) };
      const { status, body } = await call('POST', '/deliveries/resend', await filter(ids));
      expect([status, body]).toEqual([200, { resent: expected.length }]);
      await app.sendDue();
      const delivered = (await deliveriesTo(app, client.clientId)).filter(({ state }) => state === 'delivered');
      expect(new Set(delivered.map(({ id }) => id))).toEqual(
        new Set(expected.map((name) => ids[name as keyof typeof ids])),
      );
    });

    it.each<[string, unknown]>([
      ['no filter at all', {}],
      ['an error alone, which could be everything', { error_code: 'http_400' }],
      ['delivered ones', { state: 'delivered' }],
      ['an empty list', { ids: [] }],
      ['ids that are none', { ids: ['x'] }],
      ['more ids than are taken at once', { ids: Array.from({ length: 1001 }, () => randomUUID()) }],
      ['a time that is none', { client_id: 'x', created_after: 'soon' }],
      ['something unheard of', { client_id: 'x', force: true }],
    ])('400 for %s, and nothing changes', async (_name, body) => {
      await answered(400);
      const before = [await ledger(), await app.rowCounts()];
      expect((await call('POST', '/deliveries/resend', body)).status).toBe(400);
      // The operator's token is a row too.
      const { access_tokens: _now, ...after } = await app.rowCounts();
      expect([await ledger(), { ...after, access_tokens: (before[1] as Item).access_tokens }]).toEqual(before);
    });

    it('behind an open breaker: one goes through to see, then the others', async () => {
      party.always(500);
      await dueNotices(app, client.clientId, 20);
      await app.sendDue();
      const before = party.received.length;
      await app.sendDue();
      expect(party.received).toHaveLength(before);
      expect((await call('POST', '/deliveries/resend', { client_id: client.clientId })).body).toEqual({ resent: 20 });
      await app.sendDue();
      expect(party.received).toHaveLength(before + 1);
      party.always(200);
      await call('POST', '/deliveries/resend', { client_id: client.clientId });
      await app.sendDue();
      await app.sendDue();
      expect((await deliveriesTo(app, client.clientId)).map(({ state }) => state)).toEqual(Array(20).fill('delivered'));
    });

    it('each order stands in the audit log, with who gave it', async () => {
      const before = (await resentEvents()).length;
      const id = await answered(400);
      await call('POST', `/deliveries/${id}/resend`);
      await app.sendDue();
      await answered(400);
      await call('POST', '/deliveries/resend', { client_id: client.clientId, state: 'rejected' });
      expect((await resentEvents()).slice(before).map(({ details }) => details)).toEqual([
        expect.objectContaining({ operator: 'test-admin', resent: 1, delivery_id: id }),
        expect.objectContaining({
          operator: 'test-admin',
          resent: 1,
          client_id: client.clientId,
          state: 'rejected',
          delivery_id: null,
        }),
      ]);
    });
  });

  describe('another address', () => {
    const register = async (change: Record<string, unknown>): Promise<Answer> => {
      const { body } = await call('GET', `/clients/${client.clientId}`);
      const { backchannel_logout_uri: uri, client_secret: _s, client_id_issued_at: _i, ...metadata } = body;
      return call('PUT', `/clients/${client.clientId}`, { ...metadata, backchannel_logout_uri: uri, ...change });
    };

    it('pending notices go to the new one at once, whatever they waited for', async () => {
      party.always(500);
      await dueNotices(app, client.clientId, 20);
      await app.sendDue();
      const before = party.received.length;
      const moved = await StubRelyingParty.start();
      expect((await register({ backchannel_logout_uri: moved.backchannelLogoutUri })).status).toBe(200);
      await app.sendDue();
      expect(moved.received).toHaveLength(20);
      expect(party.received).toHaveLength(before);
      const { body } = await call('GET', `/clients/${client.clientId}/deliveries-state`);
      expect(body).toMatchObject({ pending: 0, breaker: { state: 'closed', failures: 0 } });
      await moved.stop();
    });

    it('a change of something else leaves them and the breaker as they are', async () => {
      party.always(500);
      await dueNotices(app, client.clientId, 20);
      await app.sendDue();
      const before = await ledger();
      expect((await register({ client_name: 'Another name' })).status).toBe(200);
      expect(await ledger()).toEqual(before);
    });

    it('none any more: they end, by that name, and what has ended stays as it is', async () => {
      await answered(400);
      await answered(500);
      party.always(500);
      await dueNotices(app, client.clientId, 20);
      await app.sendDue();
      const before = party.received.length;
      expect((await register({ backchannel_logout_uri: undefined })).status).toBe(200);
      const rows = await deliveriesTo(app, client.clientId);
      expect(rows.filter(({ state }) => state === 'rejected')).toHaveLength(1);
      const ended = rows.filter(({ state }) => state === 'abandoned');
      expect(ended).toHaveLength(21);
      expect(new Set(ended.map((row) => row.last_error))).toEqual(new Set(['no_backchannel_logout_uri']));
      expect(ended.every((row) => row.finished_at !== null)).toBe(true);
      app.clock.advance(HOUR);
      await app.sendDue();
      expect(party.received).toHaveLength(before);
      // And nobody can send what has nowhere to go.
      const one = await call('POST', `/deliveries/${ended[0]!.id}/resend`);
      const all = await call('POST', '/deliveries/resend', { client_id: client.clientId });
      expect([one.status, all.body]).toEqual([409, { resent: 0 }]);
      expect(await deliveriesTo(app, client.clientId)).toEqual(rows);
    });

    it('none any more while one is being sent: that one comes to its own end', async () => {
      let answer = (): unknown => undefined;
      party.answerNext((_request, response) => (answer = () => response.writeHead(500).end()));
      const [id] = await dueNotices(app, client.clientId, 1);
      const sending = app.sendDue();
      await party.waitFor(1);
      await register({ backchannel_logout_uri: undefined });
      expect(await noticeById(app, id!)).toMatchObject({ state: 'pending' });
      answer();
      await sending;
      app.clock.advance(MINUTE);
      await app.sendDue();
      expect(await noticeById(app, id!)).toMatchObject({
        state: 'abandoned',
        last_error: 'no_backchannel_logout_uri',
      });
      expect(party.received).toHaveLength(1);
    });
  });
});
