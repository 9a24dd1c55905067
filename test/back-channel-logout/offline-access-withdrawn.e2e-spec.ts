import { ADMIN, TestApp, type Answer, type TestClient } from '../support/app.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { promptNone } from '../rp-initiated-logout/end-session.js';
import { clientOf, deliveriesTo, OFFLINE, someoneAt, terminationsOf } from './scene.js';

const GRANT_TYPES = ['authorization_code', 'refresh_token'];

describe('a client whose registration loses offline access (threat-model#policy-without-effect)', () => {
  let app: TestApp;
  let other: TestApp;
  let party: StubRelyingParty;
  let token: string;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
    other = await TestApp.start({}, { db: app.db, clock: app.clock });
    token = await app.adminToken();
  });
  // Attempts under way would be rows of the next test's.
  afterEach(() => app.sendDue());
  afterAll(async () => {
    await other.stop();
    await Promise.all([app.stop(), party.stop()]);
  });

  const registration = (): Record<string, unknown> => ({
    redirect_uris: [party.redirectUri],
    backchannel_logout_uri: party.backchannelLogoutUri,
    grant_types: GRANT_TYPES,
    scope: 'openid profile offline_access',
  });
  const admin = (method: string, client: TestClient, body: Record<string, unknown>): Promise<Answer> =>
    app.json(method, `/admin/v1/clients/${client.clientId}`, { token, body });

  interface Registered extends TestClient {
    readonly registrationToken: string;
  }
  async function registered(): Promise<Registered> {
    const { body } = await app.json('POST', '/register', { token, body: registration() });
    return {
      clientId: String(body.client_id),
      clientSecret: String(body.client_secret),
      registrationToken: String(body.registration_access_token),
      redirectUri: party.redirectUri,
    };
  }
  const replaceItself = (client: Registered, changes: Record<string, unknown>): Promise<Answer> =>
    app.json('PUT', `/register/${client.clientId}`, {
      token: client.registrationToken,
      body: { ...registration(), client_id: client.clientId, ...changes },
    });

  it.each<[string, (client: Registered) => Promise<Answer>, (client: TestClient) => Record<string, unknown>]>([
    [
      'by an administrator’s PATCH of its scope',
      (client) => admin('PATCH', client, { scope: 'openid profile' }),
      () => ({ kind: 'operator', clientId: ADMIN.clientId }),
    ],
    [
      'by an administrator’s PATCH of its grant types: it could not refresh',
      (client) => admin('PATCH', client, { grant_types: ['authorization_code'] }),
      () => ({ kind: 'operator', clientId: ADMIN.clientId }),
    ],
    [
      'by an administrator’s PUT',
      (client) => admin('PUT', client, { ...registration(), scope: 'openid' }),
      () => ({ kind: 'operator', clientId: ADMIN.clientId }),
    ],
    [
      'by itself (RFC 7592)',
      (client) => replaceItself(client, { scope: 'openid' }),
      ({ clientId }) => ({ kind: 'client', clientId }),
    ],
  ])(
    '%s: its offline grants end at once on every node, others stay, it is told where it had one',
    async (_how, change, initiator) => {
      const client = await registered();
      const reader = await app.createClient({ resource_server: true });
      const { accountId, login, browser } = await someoneAt(app, [client], OFFLINE);
      const offline = await app.signInTo(browser, client, login, OFFLINE);
      const phone = app.browser();
      const bound = await app.signInTo(phone, client, login, { scope: 'openid' });
      expect(await app.isActive(reader, offline.access_token)).toBe(true);

      expect((await change(client)).status).toBe(200);
      for (const node of [app, other]) {
        expect(await node.isActive(reader, offline.access_token)).toBe(false);
        const refreshed = await node.refresh(client, offline.refresh_token);
        expect(refreshed.status).toBe(400);
      }
      expect(await app.isActive(reader, bound.access_token)).toBe(true);
      await app.sendDue();
      expect(await terminationsOf(app, accountId)).toMatchObject([
        {
          cause: 'offline_access_withdrawn',
          initiator: initiator(client),
          sessions: 0,
          grants_revoked: 2,
          deliveries: 1,
        },
      ]);
      expect(await deliveriesTo(app, client.clientId)).toMatchObject([{ state: 'delivered', attempts: 1 }]);
      expect(party.received.filter(({ claims }) => claims.sub === accountId)).toHaveLength(1);
      expect(
        await app.db.query('SELECT 1 FROM sessions WHERE account_id = $1 AND terminated_at IS NULL', [accountId]),
      ).toHaveLength(2);
    },
  );

  it('ends offline grants whose session is long over, too', async () => {
    const client = await clientOf(app, party, registration());
    const { accountId, tokens } = await someoneAt(app, [client], OFFLINE);
    app.clock.advance(app.settings.sessionTtlMs);
    await app.sweepExpired();
    expect((await app.refresh(client, tokens[0]!.refresh_token)).status).toBe(200);
    token = await app.adminToken();
    await admin('PATCH', client, { scope: 'openid' });
    expect(await terminationsOf(app, accountId)).toMatchObject([
      { cause: 'session_expired' },
      { cause: 'offline_access_withdrawn', grants_revoked: 1, deliveries: 0 },
    ]);
    const alive = await app.db.query('SELECT 1 FROM grants WHERE client_id = $1 AND revoked_at IS NULL', [
      client.clientId,
    ]);
    expect(alive).toEqual([]);
  });

  it.each<[string, (client: TestClient) => Promise<Answer>]>([
    [
      'that keeps the scope',
      (client) => admin('PATCH', client, { client_name: 'Renamed', scope: 'offline_access openid' }),
    ],
    ['that replaces all with the same', (client) => admin('PUT', client, registration())],
  ])('a change %s ends nothing', async (_what, change) => {
    const client = await clientOf(app, party, registration());
    const { accountId, browser, tokens } = await someoneAt(app, [client], OFFLINE);
    expect((await change(client)).status).toBe(200);
    expect(await terminationsOf(app, accountId)).toEqual([]);
    expect((await app.refresh(client, tokens[0]!.refresh_token)).status).toBe(200);
    expect(
      await app.db.query('SELECT 1 FROM grants WHERE client_id = $1 AND revoked_at IS NOT NULL', [client.clientId]),
    ).toEqual([]);
    expect(browser.cookie('exeunt_session')).toBeDefined();
  });

  it('a refused change ends nothing', async () => {
    const client = await clientOf(app, party, registration());
    const { tokens } = await someoneAt(app, [client], OFFLINE);
    const before = await app.rowCounts();
    const answer = await admin('PATCH', client, { scope: 'openid', redirect_uris: ['javascript:alert(1)'] });
    expect(answer.status).toBe(400);
    expect(await app.rowCounts()).toEqual(before);
    expect(await app.isActive(client, tokens[0]!.access_token)).toBe(true);
  });

  it('a node that has not heard of it makes no offline grant', async () => {
    const client = await clientOf(app, party, registration());
    const { browser } = await someoneAt(app, [client], OFFLINE);
    await app.db.query(`UPDATE clients SET metadata = metadata || '{"scope": "openid"}' WHERE client_id = $1`, [
      client.clientId,
    ]);
    const grants = () => app.db.query('SELECT id FROM grants WHERE client_id = $1', [client.clientId]);
    const before = await grants();
    const page = await browser.get(app.authorizeUrl(client, { scope: 'openid offline_access' }));
    expect(page.location ?? '').not.toContain('code=');
    expect(await grants()).toEqual(before);
    // What is not offline needs no such leave.
    expect(await promptNone(app, browser, client)).toBe('code');
  });

  it('afterwards the scope is ignored: the grant is bound to the session', async () => {
    const client = await clientOf(app, party, registration());
    const { login, browser } = await someoneAt(app, [client], OFFLINE);
    await admin('PATCH', client, { scope: 'openid profile' });
    const tokens = await app.signInTo(browser, client, login, { scope: 'openid profile' });
    expect(tokens.scope).not.toContain('offline_access');
    const [grant] = await app.db.query('SELECT offline FROM grants WHERE client_id = $1 AND revoked_at IS NULL', [
      client.clientId,
    ]);
    expect(grant).toEqual({ offline: false });
  });
});
