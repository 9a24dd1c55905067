import { ADMIN, TestApp, type TestClient, type Tokens } from '../support/app.js';
import { MINUTE } from '../support/clock.js';
import type { Browser } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { promptNone, signOut } from '../rp-initiated-logout/end-session.js';
import { clientOf, deliveriesTo, OFFLINE, someoneAt, terminationsOf } from './scene.js';

/** One person on two devices, at an application that keeps an offline grant from the first. */
interface Scene {
  readonly accountId: string;
  readonly login: string;
  readonly laptop: Browser;
  readonly phone: Browser;
  readonly client: TestClient;
  readonly offlineClient: TestClient;
  readonly onLaptop: Tokens;
  readonly offline: Tokens;
  readonly onPhone: Tokens;
}

interface Expected {
  readonly laptop: boolean;
  readonly phone: boolean;
  readonly offline: boolean;
  readonly initiator: (scene: Scene) => Record<string, unknown>;
  readonly sessions: number;
  readonly grants: number;
  /** Notices to the first client and to the one with the offline grant. */
  readonly notices: readonly [number, number];
  readonly accountDeleted?: boolean;
}

const BY_USER = (scene: Scene) => ({ kind: 'user', accountId: scene.accountId });
const BY_OPERATOR = () => ({ kind: 'operator', clientId: ADMIN.clientId });

describe('every cause ends sessions by the same path (architecture#one-path; Back-Channel Logout 1.0 §2.7)', () => {
  let app: TestApp;
  let party: StubRelyingParty;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
  });
  afterAll(() => Promise.all([app.stop(), party.stop()]));

  async function aScene(): Promise<Scene> {
    const [client, offlineClient] = await Promise.all([clientOf(app, party), clientOf(app, party)]);
    const { accountId, login, browser: laptop, tokens } = await someoneAt(app, [client]);
    const offline = await app.signInTo(laptop, offlineClient, login, OFFLINE);
    const phone = app.browser();
    const onPhone = await app.signInTo(phone, client, login);
    return { accountId, login, laptop, phone, client, offlineClient, onLaptop: tokens[0]!, offline, onPhone };
  }

  const asAdmin = async (method: string, path: string, body?: unknown): Promise<void> => {
    const { status } = await app.json(method, `/admin/v1${path}`, { token: await app.adminToken(), body });
    expect(status).toBeLessThan(300);
  };

  async function internalId(client: TestClient, tokens: Tokens): Promise<string> {
    const { body } = await app.form('/introspect', { token: tokens.access_token }, client);
    const [row] = await app.db.query<{ session_id: string }>(
      'SELECT session_id FROM session_clients WHERE client_id = $1 AND sid = $2',
      [client.clientId, body.sid],
    );
    return row!.session_id;
  }

  it.each<[string, (scene: Scene) => Promise<unknown>, Expected]>([
    [
      'end_session',
      ({ laptop }) => signOut(laptop),
      { laptop: false, phone: true, offline: true, initiator: BY_USER, sessions: 1, grants: 1, notices: [1, 1] },
    ],
    [
      'self_service',
      async ({ laptop, phone, client, onLaptop }) => {
        const id = await internalId(client, onLaptop);
        const page = await phone.get('/account/sessions');
        const { fields } = page.formWith('end-others');
        expect((await phone.post(`/account/sessions/${id}/end`, fields)).status).toBe(303);
        expect(laptop.cookie('exeunt_session')).toBeDefined();
      },
      { laptop: false, phone: true, offline: true, initiator: BY_USER, sessions: 1, grants: 1, notices: [1, 1] },
    ],
    [
      'self_service',
      async ({ phone }) => phone.submit(await phone.get('/account/sessions'), 'end-others'),
      { laptop: false, phone: true, offline: false, initiator: BY_USER, sessions: 1, grants: 2, notices: [1, 1] },
    ],
    [
      'admin',
      async ({ client, onLaptop }) => asAdmin('DELETE', `/sessions/${await internalId(client, onLaptop)}`),
      { laptop: false, phone: true, offline: true, initiator: BY_OPERATOR, sessions: 1, grants: 1, notices: [1, 1] },
    ],
    [
      'admin',
      ({ accountId }) => asAdmin('DELETE', `/sessions?account_id=${accountId}`),
      { laptop: false, phone: false, offline: false, initiator: BY_OPERATOR, sessions: 2, grants: 3, notices: [2, 1] },
    ],
    [
      'account_disabled',
      ({ accountId }) => asAdmin('POST', `/accounts/${accountId}/disable`),
      { laptop: false, phone: false, offline: false, initiator: BY_OPERATOR, sessions: 2, grants: 3, notices: [2, 1] },
    ],
    [
      'account_deleted',
      ({ accountId }) => asAdmin('DELETE', `/accounts/${accountId}`),
      { laptop: false, phone: false, offline: false, initiator: BY_OPERATOR, sessions: 2, grants: 3, notices: [2, 1] },
    ],
    [
      'password_changed',
      ({ accountId }) => asAdmin('PUT', `/accounts/${accountId}/password`, { password: 'an entirely new passphrase' }),
      { laptop: false, phone: false, offline: false, initiator: BY_OPERATOR, sessions: 2, grants: 3, notices: [2, 1] },
    ],
    [
      'account_switched',
      async ({ laptop, client }) => {
        const other = await app.createAccount();
        const page = await laptop.follow(await laptop.get(app.authorizeUrl(client, { prompt: 'login' })));
        await app.signIn(laptop, page, other.login);
        laptop.setCookie('exeunt_session', undefined);
      },
      { laptop: false, phone: true, offline: true, initiator: BY_USER, sessions: 1, grants: 1, notices: [1, 1] },
    ],
    [
      'client_deleted',
      ({ offlineClient }) => asAdmin('DELETE', `/clients/${offlineClient.clientId}`),
      { laptop: true, phone: true, offline: false, initiator: BY_OPERATOR, sessions: 0, grants: 1, notices: [0, 1] },
    ],
    [
      'client_disabled',
      ({ offlineClient }) => asAdmin('POST', `/clients/${offlineClient.clientId}/disable`),
      { laptop: true, phone: true, offline: false, initiator: BY_OPERATOR, sessions: 0, grants: 1, notices: [0, 1] },
    ],
    [
      'offline_access_withdrawn',
      ({ offlineClient }) => asAdmin('PATCH', `/clients/${offlineClient.clientId}`, { scope: 'openid profile' }),
      { laptop: true, phone: true, offline: false, initiator: BY_OPERATOR, sessions: 0, grants: 1, notices: [0, 1] },
    ],
    [
      'consent_withdrawn',
      async ({ accountId, offlineClient }) => {
        await app.db.query(
          `INSERT INTO consents (account_id, client_id, scope, claims, granted_at) VALUES ($1, $2, '{openid}', '{}', now())`,
          [accountId, offlineClient.clientId],
        );
        await asAdmin('DELETE', `/accounts/${accountId}/consents/${offlineClient.clientId}`);
      },
      { laptop: true, phone: true, offline: false, initiator: BY_OPERATOR, sessions: 0, grants: 1, notices: [0, 1] },
    ],
    [
      'refresh_token_reuse',
      async ({ offlineClient, offline }) => {
        expect((await app.refresh(offlineClient, offline.refresh_token)).status).toBe(200);
        app.clock.advance(app.settings.refreshGraceMs + MINUTE);
        expect((await app.refresh(offlineClient, offline.refresh_token)).status).toBe(400);
      },
      {
        laptop: true,
        phone: true,
        offline: false,
        initiator: ({ offlineClient }) => ({ kind: 'client', clientId: offlineClient.clientId }),
        sessions: 0,
        grants: 1,
        notices: [0, 1],
      },
    ],
  ])(
    '%s: ends what it should, keeps what it should, tells whom it should, and is on record',
    async (cause, act, expected) => {
      const scene = await aScene();
      const { client, offlineClient } = scene;
      await act(scene);
      await app.sendDue();

      const deleted = cause === 'client_deleted';
      const active = async (token: string) => (await app.form('/introspect', { token }, client)).body.active === true;
      expect(await active(scene.onLaptop.access_token)).toBe(expected.laptop);
      expect(await active(scene.onPhone.access_token)).toBe(expected.phone);
      expect(await promptNone(app, scene.laptop, client)).toBe(expected.laptop ? 'code' : 'login_required');
      expect(await promptNone(app, scene.phone, client)).toBe(expected.phone ? 'code' : 'login_required');
      if (!deleted && cause !== 'client_disabled' && cause !== 'refresh_token_reuse') {
        expect((await app.refresh(offlineClient, scene.offline.refresh_token)).status).toBe(
          expected.offline ? 200 : 400,
        );
      }
      const [grant] = await app.db.query<{ revoked_cause: string | null }>(
        'SELECT revoked_cause FROM grants WHERE client_id = $1',
        [offlineClient.clientId],
      );
      // Deleting an account takes its grants along.
      if (cause !== 'account_deleted') expect(grant?.revoked_cause).toBe(expected.offline ? null : cause);

      const [termination, ...more] = await terminationsOf(app, scene.accountId);
      expect(more).toEqual([]);
      expect(termination).toMatchObject({
        cause,
        initiator: expected.initiator(scene),
        sessions: expected.sessions,
        grants_revoked: expected.grants,
        deliveries: expected.notices[0] + expected.notices[1],
      });
      const notices = [
        ...(await deliveriesTo(app, client.clientId)),
        ...(await deliveriesTo(app, offlineClient.clientId)),
      ];
      expect(notices.filter((row) => row.client_id === client.clientId)).toHaveLength(expected.notices[0]);
      expect(notices.filter((row) => row.client_id === offlineClient.clientId)).toHaveLength(expected.notices[1]);
      for (const row of notices)
        expect(row).toMatchObject({
          sub: scene.accountId,
          state: 'delivered',
          attempts: 1,
          termination_id: termination?.id,
        });
      expect(party.received.filter(({ claims }) => claims.sub === scene.accountId)).toHaveLength(notices.length);
    },
  );

  it('code_reuse: the grant falls with its tokens, the application is told, the session goes on (RFC 6749 §4.1.2)', async () => {
    const client = await clientOf(app, party);
    const { id, login } = await app.createAccount();
    const browser = app.browser();
    const code = await app.codeFor(browser, client, login);
    const exchange = () =>
      app.form('/token', { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri }, client);
    const first = await exchange();
    expect(first.status).toBe(200);
    expect((await exchange()).status).toBe(400);
    await app.sendDue();
    expect(await app.isActive(client, String(first.body.access_token))).toBe(false);
    expect(await promptNone(app, browser, client)).toBe('code');
    expect(await terminationsOf(app, id)).toMatchObject([
      {
        cause: 'code_reuse',
        initiator: { kind: 'client', clientId: client.clientId },
        sessions: 0,
        grants_revoked: 1,
        deliveries: 1,
      },
    ]);
    expect(await deliveriesTo(app, client.clientId)).toMatchObject([{ state: 'delivered' }]);
    // A third time there is nothing left to end, and nobody is told twice.
    await exchange();
    expect(await terminationsOf(app, id)).toHaveLength(1);
  });

  it('names the person on record also when only an offline grant was left to end', async () => {
    const client = await clientOf(app, party);
    const { accountId, browser } = await someoneAt(app, [client], OFFLINE);
    await signOut(browser);
    await asAdmin('DELETE', `/sessions?account_id=${accountId}`);
    expect(await terminationsOf(app, accountId)).toMatchObject([
      { cause: 'end_session', sessions: 1, grants_revoked: 0 },
      { cause: 'admin', sessions: 0, grants_revoked: 1, deliveries: 0 },
    ]);
  });

  it('takes no notice of applications without a back channel, and says how many it told', async () => {
    const [told, silent] = await Promise.all([clientOf(app, party), app.createClient()]);
    const { accountId, browser } = await someoneAt(app, [told, silent]);
    await signOut(browser);
    expect(await terminationsOf(app, accountId)).toMatchObject([{ sessions: 1, grants_revoked: 2, deliveries: 1 }]);
    expect(await deliveriesTo(app, silent.clientId)).toEqual([]);
  });

  it('tells an application once although it redeemed several codes in the session', async () => {
    const client = await clientOf(app, party);
    const { browser, login } = await someoneAt(app, [client]);
    await app.signInTo(browser, client, login);
    await signOut(browser);
    expect(await deliveriesTo(app, client.clientId)).toHaveLength(1);
  });

  it('tells of two sessions at one application by two notices, each with its sid', async () => {
    const client = await clientOf(app, party);
    const { accountId, login } = await someoneAt(app, [client]);
    await app.signInTo(app.browser(), client, login);
    await asAdmin('DELETE', `/sessions?account_id=${accountId}`);
    await app.sendDue();
    const received = party.received.filter(({ claims }) => claims.sub === accountId);
    expect(received).toHaveLength(2);
    expect(new Set(received.map(({ claims }) => claims.sid)).size).toBe(2);
    const rows = await app.db.query<{ sid: string }>('SELECT sid FROM session_clients WHERE client_id = $1', [
      client.clientId,
    ]);
    expect(new Set(received.map(({ claims }) => claims.sid))).toEqual(new Set(rows.map(({ sid }) => sid)));
  });

  it('writes nothing when there is nothing to end', async () => {
    const { id } = await app.createAccount();
    const before = await app.rowCounts();
    const { status, body } = await app.json('DELETE', `/admin/v1/sessions?account_id=${id}`, {
      token: await app.adminToken(),
    });
    expect([status, body]).toEqual([200, { sessions: 0, grants_revoked: 0, deliveries: 0 }]);
    expect(await app.rowCounts()).toEqual(before);
  });
});
