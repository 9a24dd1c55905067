import { TestApp, type Answer, type TestClient } from '../support/app.js';
import { TERMINATION_CAUSES } from '../support/causes.js';
import { DAY, HOUR } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { signOut } from '../rp-initiated-logout/end-session.js';
import { clientOf, deliveriesTo, OFFLINE, someoneAt, terminationsOf } from './scene.js';

const CALLBACK = 'https://app.example.com/cb';

describe('which causes a client hears of (backchannel_logout_causes, backchannel_logout_reason_required)', () => {
  let app: TestApp;
  let party: StubRelyingParty;
  let token: string;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
  });
  // A new one each time: some tests let weeks go by.
  beforeEach(async () => {
    token = await app.adminToken();
  });
  // Attempts under way would be rows of the next test's.
  afterEach(() => app.sendDue());
  afterAll(() => Promise.all([app.stop(), party.stop()]));

  const claimsAt = (client: TestClient) =>
    party.received.map(({ claims }) => claims).filter(({ aud }) => aud === client.clientId);

  it('a notice of another cause is not owed; the session and its grants end all the same', async () => {
    const [all, some, none] = [
      await clientOf(app, party),
      await clientOf(app, party, { backchannel_logout_causes: ['admin', 'end_session'] }),
      await clientOf(app, party, { backchannel_logout_causes: ['account_disabled'] }),
    ];
    const { accountId, browser, tokens } = await someoneAt(app, [all, some, none]);
    await signOut(browser);
    await app.sendDue();
    expect(await terminationsOf(app, accountId)).toMatchObject([
      { cause: 'end_session', sessions: 1, grants_revoked: 3, deliveries: 2 },
    ]);
    expect([await deliveriesTo(app, all.clientId), await deliveriesTo(app, some.clientId)]).toMatchObject([
      [{ state: 'delivered' }],
      [{ state: 'delivered' }],
    ]);
    expect(await deliveriesTo(app, none.clientId)).toEqual([]);
    expect(claimsAt(none)).toEqual([]);
    for (const [i, client] of [all, some, none].entries())
      expect(await app.isActive(client, tokens[i]!.access_token)).toBe(false);
  });

  it('the signed-out page says of such an application that it cannot be told', async () => {
    const quiet = await clientOf(app, party, {
      client_name: 'Quiet Application',
      backchannel_logout_causes: ['account_disabled'],
    });
    const loud = await clientOf(app, party, { client_name: 'Loud Application' });
    const { browser } = await someoneAt(app, [quiet, loud]);
    const { body } = await browser.follow(await signOut(browser));
    expect(body).toMatch(
      /Quiet Application<\/span> <span class="state">cannot be told, please sign out there yourself/,
    );
    expect(body).toContain(
      '1 of 1 application has confirmed that you are signed out there too. 1 application cannot be told.',
    );
  });

  it('holds for sessions that expire as well', async () => {
    const [idle, expired] = [
      await clientOf(app, party, { backchannel_logout_causes: ['session_idle'] }),
      await clientOf(app, party, { backchannel_logout_causes: ['session_expired'] }),
    ];
    const { accountId } = await someoneAt(app, [idle, expired]);
    app.clock.advance(15 * DAY);
    expect(await app.sweepExpired()).toBe(1);
    expect(await terminationsOf(app, accountId)).toMatchObject([{ cause: 'session_expired', deliveries: 1 }]);
    expect(await deliveriesTo(app, idle.clientId)).toEqual([]);
    expect(await deliveriesTo(app, expired.clientId)).toHaveLength(1);
  });

  it('holds where only a grant ends', async () => {
    const client = await clientOf(app, party, { backchannel_logout_causes: ['end_session'] });
    const { accountId } = await someoneAt(app, [client], OFFLINE);
    await app.json('POST', `/admin/v1/clients/${client.clientId}/disable`, { token });
    expect(await terminationsOf(app, accountId)).toMatchObject([
      { cause: 'client_disabled', grants_revoked: 1, deliveries: 0 },
    ]);
    expect(claimsAt(client)).toEqual([]);
  });

  it('is decided by what is registered when the session ends', async () => {
    const client = await clientOf(app, party);
    const { browser } = await someoneAt(app, [client]);
    await app.json('PATCH', `/admin/v1/clients/${client.clientId}`, {
      token,
      body: { backchannel_logout_causes: ['admin'] },
    });
    await signOut(browser);
    expect(await deliveriesTo(app, client.clientId)).toEqual([]);
  });

  it('null in a patch takes the choice back: all causes again', async () => {
    const client = await clientOf(app, party, { backchannel_logout_causes: ['admin'] });
    const { body } = await app.json('PATCH', `/admin/v1/clients/${client.clientId}`, {
      token,
      body: { backchannel_logout_causes: null },
    });
    expect(body).not.toHaveProperty('backchannel_logout_causes');
    const { browser } = await someoneAt(app, [client]);
    await signOut(browser);
    expect(await deliveriesTo(app, client.clientId)).toHaveLength(1);
  });

  describe('the claim `reason`', () => {
    it.each([
      ['who asks for it gets it', { backchannel_logout_reason_required: true }, 'end_session'],
      ['who says no does not', { backchannel_logout_reason_required: false }, undefined],
      ['who says nothing does not', {}, undefined],
    ])('%s', async (_who, metadata, reason) => {
      const client = await clientOf(app, party, metadata);
      const { browser } = await someoneAt(app, [client]);
      await signOut(browser);
      await app.sendDue();
      const [claims, ...more] = claimsAt(client);
      expect(more).toEqual([]);
      expect(claims?.reason).toBe(reason);
      expect(Object.hasOwn(claims ?? {}, 'reason')).toBe(reason !== undefined);
    });

    it('is the cause also in a notice that is sent again, and in one that another process sends', async () => {
      const client = await clientOf(app, party, { backchannel_logout_reason_required: true });
      const { accountId } = await someoneAt(app, [client]);
      // The sweeper leaves sending to whoever polls next: the cause comes from the record.
      app.clock.advance(15 * DAY);
      party.answerNext(503);
      await app.sweepExpired();
      expect(await deliveriesTo(app, client.clientId)).toMatchObject([{ state: 'pending', attempts: 1 }]);
      app.clock.advance(HOUR);
      await app.sendDue();
      expect(await deliveriesTo(app, client.clientId)).toMatchObject([{ state: 'delivered', attempts: 2 }]);
      const told = party.received.filter(({ claims }) => claims.sub === accountId);
      expect(told.map(({ claims }) => claims.reason)).toEqual(['session_expired', 'session_expired']);
    });
  });

  describe('registered', () => {
    const ways: readonly [string, (body: Record<string, unknown>) => Promise<Answer>][] = [
      ['by an administrator', (body) => app.json('POST', '/admin/v1/clients', { token, body })],
      ['by the client itself', (body) => app.json('POST', '/register', { token, body })],
    ];

    it.each(ways)('%s: every known cause, once each; the answer says what was taken', async (_who, register) => {
      const answer = await register({
        redirect_uris: [CALLBACK],
        backchannel_logout_causes: [...TERMINATION_CAUSES, 'admin'],
        backchannel_logout_reason_required: true,
      });
      expect(answer.status).toBe(201);
      expect(answer.body.backchannel_logout_causes).toEqual([...TERMINATION_CAUSES]);
      expect(answer.body.backchannel_logout_reason_required).toBe(true);
      const plain = await register({ redirect_uris: [CALLBACK] });
      expect(plain.body).not.toHaveProperty('backchannel_logout_causes');
      expect(plain.body.backchannel_logout_reason_required).toBe(false);
    });

    it.each(
      ways.flatMap(([who, register]) =>
        [
          { backchannel_logout_causes: [] },
          { backchannel_logout_causes: ['no_such_cause'] },
          { backchannel_logout_causes: ['admin', 'ADMIN'] },
          { backchannel_logout_causes: 'admin' },
          { backchannel_logout_causes: [1] },
          { backchannel_logout_causes: [null] },
          { backchannel_logout_causes: { admin: true } },
          { backchannel_logout_reason_required: 'true' },
          { backchannel_logout_reason_required: 1 },
        ].map((metadata) => [who, metadata, register] as const),
      ),
    )('%s: refuses %j', async (_who, metadata, register) => {
      const before = await app.rowCounts();
      const answer = await register({ redirect_uris: [CALLBACK], ...metadata });
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client_metadata']);
      expect(await app.rowCounts()).toEqual(before);
    });
  });
});
