import { decodeJwt } from 'jose';
import { clientOf, deliveriesTo, OFFLINE, terminationsOf } from '../../back-channel-logout/scene.js';
import { promptNone } from '../../rp-initiated-logout/end-session.js';
import { SECOND } from '../../support/clock.js';
import { StubRelyingParty } from '../../support/stub-relying-party.js';
import { StubUpstream } from '../../support/stub-upstream.js';
import { expectDone, receive, Scene, signInBy, type Visitor } from './scene.js';

describe('what a logout token ends (Back-Channel Logout 1.0 §2.7)', () => {
  let scene: Scene;
  let party: StubRelyingParty;

  beforeAll(async () => {
    [scene, party] = await Promise.all([Scene.start(), StubRelyingParty.start()]);
  });
  afterAll(() => Promise.all([scene.stop(), party.stop()]));

  async function send(claims: Record<string, unknown>): ReturnType<typeof receive> {
    return receive(scene.app, await scene.upstream.logoutToken(claims));
  }

  /** One person with three devices, each in a session of its own at the upstream. */
  async function threeDevices(): Promise<[Visitor, Visitor, Visitor]> {
    const { sub } = scene.upstream.subject();
    const device = (): Promise<Visitor> => scene.visitor({ subject: { ...scene.upstream.subject(), sub } });
    return [await device(), await device(), await device()];
  }

  async function signedIn(...visitors: Visitor[]): Promise<boolean[]> {
    return Promise.all(visitors.map((visitor) => scene.isSignedIn(visitor)));
  }

  it('ends one session by sid alone', async () => {
    const [first, second, third] = await threeDevices();
    const { ended } = await scene.results();
    await scene.expectDone(await send({ sid: second.subject.sid }), 1);
    expect(await signedIn(first, second, third)).toEqual([true, false, true]);
    expect(await promptNone(scene.app, second.browser, scene.client)).toBe('login_required');
    expect((await scene.results()).ended).toBe(ended + 1);
  });

  it('ends one session by sid and sub that both fit it', async () => {
    const [first, second, third] = await threeDevices();
    const { sub, sid } = first.subject;
    await scene.expectDone(await send({ sub, sid }), 1);
    expect(await signedIn(first, second, third)).toEqual([false, true, true]);
  });

  it('ends every session of a person by sub alone, and none of anybody else', async () => {
    const [first, second, third] = await threeDevices();
    const somebody = await scene.visitor();
    await scene.expectDone(await send({ sub: first.subject.sub }), 3);
    expect(await signedIn(first, second, third, somebody)).toEqual([false, false, false, true]);
    expect(await terminationsOf(scene.app, first.accountId)).toMatchObject([
      { cause: 'upstream_logout', sessions: 3, initiator: { kind: 'upstream', issuer: scene.upstream.issuer } },
    ]);
  });

  it('ends nothing when sub and sid belong to different sessions, which is success (wire/back-channel-logout-receiver#responses)', async () => {
    const [visitor, somebody] = [await scene.visitor(), await scene.visitor()];
    const rows = await scene.app.rowCounts();
    await scene.expectDone(await send({ sub: visitor.subject.sub, sid: somebody.subject.sid }), 0);
    expect(await signedIn(visitor, somebody)).toEqual([true, true]);
    expect((await scene.app.rowCounts()).session_terminations).toBe(rows.session_terminations);
  });

  it('ends nothing, and is success, when the session is over or never was', async () => {
    const { nothing_to_end: before } = await scene.results();
    const { subject } = await scene.visitor();
    await scene.expectDone(await send({ sid: subject.sid }), 1);
    await scene.expectDone(await send({ sid: subject.sid }), 0);
    await scene.expectDone(await send({ sub: 'nobody', sid: 'nowhere' }), 0);
    expect((await scene.results()).nothing_to_end).toBe(before + 2);
  });

  it('says to whoever watches that there was nothing to end', async () => {
    await send({ sub: 'nobody', sid: 'nowhere' });
    expect(await scene.lastAudit()).toMatchObject({ outcome: 'done', details: { result: 'nothing_to_end' } });
    await send({ sub: (await scene.visitor()).subject.sub });
    expect(await scene.lastAudit()).toMatchObject({ outcome: 'done', details: { result: 'ended', sessions: 1 } });
  });

  describe('where the ID token had no sid', () => {
    const withoutSid = (sub?: string): Promise<Visitor> => {
      const subject = { ...scene.upstream.subject(), sid: undefined };
      return scene.visitor({ subject: sub === undefined ? subject : { ...subject, sub } });
    };

    it('sub and sid end the sessions of that person whose sid nobody knows, and the one that fits', async () => {
      const [known, other] = await threeDevices();
      const { sub, sid } = known.subject;
      const [first, second, stranger] = [await withoutSid(sub), await withoutSid(sub), await withoutSid()];
      await scene.expectDone(await send({ sub, sid }), 3);
      expect(await signedIn(known, first, second, other, stranger)).toEqual([false, false, false, true, true]);
    });

    it('a sid that fits none still ends those, and not the ones with a known sid', async () => {
      const [known] = await threeDevices();
      const unknown = await withoutSid(known.subject.sub);
      await scene.expectDone(await send({ sub: known.subject.sub, sid: 'never-told' }), 1);
      expect(await signedIn(known, unknown)).toEqual([true, false]);
    });

    it('sid alone ends nothing, and sub alone does', async () => {
      const visitor = await withoutSid();
      await scene.expectDone(await send({ sid: 'never-told' }), 0);
      expect(await signedIn(visitor)).toEqual([true]);
      await scene.expectDone(await send({ sub: visitor.subject.sub }), 1);
      expect(await signedIn(visitor)).toEqual([false]);
    });

    it("another issuer's sub and sid end nothing", async () => {
      const other = await StubUpstream.start(scene.app.clock);
      await other.register(scene.app);
      const visitor = await withoutSid();
      expectDone(await receive(scene.app, await other.logoutToken({ sub: visitor.subject.sub, sid: 's' })));
      expect(await signedIn(visitor)).toEqual([true]);
      await other.stop();
    });

    it('a sign-in that was under way when sub and sid came gives no session', async () => {
      const subject = { ...scene.upstream.subject(), sid: undefined };
      const browser = scene.app.browser();
      const back = scene.upstream.authorize(await scene.leave(browser), subject);
      await scene.expectDone(await send({ sub: subject.sub, sid: 'of-that-session' }), 0);
      expect((await browser.get(back)).status).toBe(400);
      expect(browser.cookie('exeunt_session')).toBeUndefined();
    });
  });

  it("ends no session of another upstream's by the same sid or sub (wire/back-channel-logout-receiver#lookup)", async () => {
    const other = await StubUpstream.start(scene.app.clock);
    const name = await other.register(scene.app);
    const visitor = await scene.visitor({ by: { upstream: other, name } });
    const namesake = await scene.visitor({ subject: visitor.subject });
    const { sub, sid } = visitor.subject;
    await scene.expectDone(await send({ sid }), 1);
    expect(await signedIn(visitor, namesake)).toEqual([true, false]);
    await scene.expectDone(await send({ sub }), 0);
    expect(await signedIn(visitor)).toEqual([true]);
    expectDone(await receive(scene.app, await other.logoutToken({ sub, sid })));
    expect(await signedIn(visitor)).toEqual([false]);
    await other.stop();
  });

  it('ends no session that the same person began here by password', async () => {
    const subject = scene.upstream.subject();
    const { id, login } = await scene.app.createAccount();
    await scene.app.json('POST', `/admin/v1/accounts/${id}/identities`, {
      token: await scene.app.adminToken(),
      body: { issuer: scene.upstream.issuer, sub: subject.sub },
    });
    const visitor = await scene.visitor({ subject });
    const tokens = await scene.app.signInTo(scene.app.browser(), scene.client, login);
    await scene.expectDone(await send({ sub: subject.sub }), 1);
    expect(await signedIn(visitor)).toEqual([false]);
    expect(await scene.app.isActive(scene.client, tokens.access_token)).toBe(true);
  });

  it('keeps what was granted for later and revokes the rest', async () => {
    const offline = await scene.app.createClient();
    const visitor = await scene.visitor();
    const tokens = await signInBy(scene.app, scene, visitor.browser, offline, visitor.subject, OFFLINE);
    await scene.expectDone(await send({ sid: visitor.subject.sid }), 1);
    expect(await signedIn(visitor)).toEqual([false]);
    expect((await scene.app.refresh(scene.client, visitor.tokens.refresh_token)).status).toBe(400);
    expect(await scene.app.isActive(offline, tokens.access_token)).toBe(true);
    expect((await scene.app.refresh(offline, tokens.refresh_token)).status).toBe(200);
  });

  describe('and whom it tells in turn', () => {
    it('tells each application once, by the sid that it knows', async () => {
      const [ledger, calendar] = [await clientOf(scene.app, party), await clientOf(scene.app, party)];
      const visitor = await scene.visitor({ client: ledger });
      const tokens = await signInBy(scene.app, scene, visitor.browser, calendar, visitor.subject);
      const token = await scene.upstream.logoutToken({ sub: visitor.subject.sub, sid: visitor.subject.sid });
      expectDone(await receive(scene.app, token));
      await scene.app.sendDue();
      await receive(scene.app, token);
      await scene.app.sendDue();
      for (const [client, idToken] of [
        [ledger, visitor.tokens.id_token],
        [calendar, tokens.id_token],
      ] as const) {
        const told = party.received.filter(({ claims }) => claims.aud === client.clientId);
        expect(told.map(({ claims }) => claims)).toEqual([
          expect.objectContaining({ iss: scene.app.issuer, sub: visitor.accountId, sid: decodeJwt(idToken).sid }),
        ]);
        expect(told[0]?.header.typ).toBe('logout+jwt');
      }
    });

    describe('which may be an application of ours', () => {
      /** It takes part in the session that the upstream ends, and so does an application elsewhere. */
      async function beside(path: string) {
        const neighbour = await scene.app.createClient({ backchannel_logout_uri: `${scene.upstream.origin}${path}` });
        const ledger = await clientOf(scene.app, party);
        const visitor = await scene.visitor({ client: neighbour });
        await signInBy(scene.app, scene, visitor.browser, ledger, visitor.subject);
        return { neighbour, ledger, visitor };
      }
      const recordOf = async ({ accountId }: Visitor) => {
        const [termination] = await terminationsOf(scene.app, accountId);
        const token = await scene.app.adminToken();
        return (await scene.app.json('GET', `/admin/v1/terminations/${termination?.id}`, { token })).body;
      };
      afterEach(() => scene.change({ peer_client_id: null }));

      it('is not told where it is registered as that one, and the record says so', async () => {
        const { neighbour, ledger, visitor } = await beside('/backchannel');
        expect((await scene.change({ peer_client_id: neighbour.clientId })).status).toBe(200);
        await scene.expectDone(await send({ sid: visitor.subject.sid }), 1);
        await scene.app.sendDue();
        expect(scene.upstream.requestsTo('/backchannel')).toBe(0);
        expect(await deliveriesTo(scene.app, neighbour.clientId)).toEqual([]);
        expect(await deliveriesTo(scene.app, ledger.clientId)).toMatchObject([{ state: 'delivered' }]);
        expect(await signedIn(visitor)).toEqual([false]);
        expect(await recordOf(visitor)).toMatchObject({
          deliveries: 1,
          not_told: 1,
          without_notice_list: [
            { client_id: neighbour.clientId, state: 'not_told', reason: 'is_the_sender', sessions: 1 },
          ],
        });
      });

      it.each(['/app1/backchannel-logout', '/', '/idp/backchannel'])(
        'an application that lives beside it, at %s, is told like any other',
        async (path) => {
          const { neighbour, ledger, visitor } = await beside(path);
          const before = scene.upstream.requestsTo(path);
          await scene.expectDone(await send({ sid: visitor.subject.sid }), 1);
          await scene.app.sendDue();
          expect(scene.upstream.requestsTo(path)).toBe(before + 1);
          expect(await deliveriesTo(scene.app, neighbour.clientId)).toHaveLength(1);
          expect(await deliveriesTo(scene.app, ledger.clientId)).toMatchObject([{ state: 'delivered' }]);
          expect(await recordOf(visitor)).toMatchObject({ deliveries: 2, not_told: 0, without_notice_list: [] });
        },
      );

      it('is told what somebody else ended', async () => {
        const { neighbour, visitor } = await beside('/by-operator');
        expect((await scene.change({ peer_client_id: neighbour.clientId })).status).toBe(200);
        const token = await scene.app.adminToken();
        await scene.app.json('DELETE', `/admin/v1/sessions?account_id=${visitor.accountId}`, { token });
        await scene.app.sendDue();
        expect(await deliveriesTo(scene.app, neighbour.clientId)).toHaveLength(1);
      });

      it.each([[7], [''], ['x'.repeat(256)], [['a']]])('peer_client_id %j is refused', async (value) => {
        const before = await scene.rowCounts();
        expect((await scene.change({ peer_client_id: value })).status).toBe(400);
        expect(await scene.rowCounts()).toEqual(before);
      });
    });

    it('answers 200 although an application fails', async () => {
      party.answerNext(500);
      const visitor = await scene.visitor({ client: await clientOf(scene.app, party) });
      await scene.expectDone(await send({ sid: visitor.subject.sid }), 1);
      await scene.app.sendDue();
      expect(await deliveriesTo(scene.app, visitor.client.clientId)).toMatchObject([{ state: 'pending', attempts: 1 }]);
    });
  });

  describe('when it comes while the browser is on its way back (threat-model#federated-race)', () => {
    async function sessionsOf(sub: string): Promise<number> {
      const [row] = await scene.app.db.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM session_upstreams u JOIN sessions s ON s.id = u.session_id
          WHERE u.sub = $1 AND s.terminated_at IS NULL`,
        [sub],
      );
      return row?.n ?? 0;
    }

    it.each([
      ['sid', (sub: string, sid: string | undefined) => ({ sub, sid })],
      ['sub alone', (sub: string) => ({ sub })],
    ])('by %s, begins no session, and shows the sign-in page', async (_by, claims) => {
      const browser = scene.app.browser();
      const subject = scene.upstream.subject();
      const back = scene.upstream.authorize(await scene.leave(browser), subject);
      await scene.expectDone(await send(claims(subject.sub, subject.sid)), 0);
      const rows = await scene.rowCounts();
      const page = await browser.get(back);
      expect(page.status).toBe(400);
      expect(page.has('login-submit')).toBe(true);
      expect(browser.cookie('exeunt_session')).toBeUndefined();
      const after = await scene.rowCounts();
      for (const table of ['accounts', 'upstream_identities', 'sessions', 'session_upstreams', 'grants'])
        expect([table, after[table]]).toEqual([table, rows[table]]);
    });

    it('lets the person sign in anew', async () => {
      const subject = scene.upstream.subject();
      await scene.expectDone(await send({ sub: subject.sub }), 0);
      scene.app.clock.advance(SECOND);
      expect(await signedIn(await scene.visitor({ subject }))).toEqual([true]);
    });

    it('leaves nobody signed in, whichever of the two is first', async () => {
      for (let round = 0; round < 10; round += 1) {
        const browser = scene.app.browser();
        const subject = scene.upstream.subject();
        const back = scene.upstream.authorize(await scene.leave(browser), subject);
        const token = await scene.upstream.logoutToken({ sub: subject.sub, sid: subject.sid });
        const [, answer] = await Promise.all([browser.get(back), receive(scene.app, token)]);
        expectDone(answer);
        expect(await sessionsOf(subject.sub)).toBe(0);
      }
    });
  });
});
