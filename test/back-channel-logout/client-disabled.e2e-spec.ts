import { ADMIN, TestApp, type Answer, type TestClient } from '../support/app.js';
import { MINUTE, SECOND } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { promptNone, signOut } from '../rp-initiated-logout/end-session.js';
import { clientOf, deliveriesTo, OFFLINE, someoneAt, terminationsOf } from './scene.js';

const ALSO_ITS_OWN = {
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  scope: 'openid offline_access reports',
};

describe('a client that is disabled', () => {
  let app: TestApp;
  let other: TestApp;
  let party: StubRelyingParty;
  let token: string;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
    token = await app.adminToken();
  });
  // Attempts under way would be rows of the next test's.
  afterEach(() => app.sendDue());
  afterAll(async () => {
    await other.stop();
    await Promise.all([app.stop(), party.stop()]);
  });

  const turn = (client: TestClient, to: 'disable' | 'enable', bearer = token): Promise<Answer> =>
    app.json('POST', `/admin/v1/clients/${client.clientId}/${to}`, { token: bearer });
  const at = (node: TestApp): string => `http://localhost:${node.settings.port}`;
  /** Without the notice to the other nodes: what they answer now comes from storage, not from a cache that heard of it. */
  const disableUnheard = (client: TestClient) =>
    app.db.query('UPDATE clients SET disabled_at = $2 WHERE client_id = $1', [client.clientId, app.clock.now()]);
  async function post(
    node: TestApp,
    path: string,
    client: TestClient,
    fields: Record<string, string>,
  ): Promise<Answer> {
    const answer = await fetch(`${at(node)}${path}`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client.clientId}:${client.clientSecret}`)}` },
      body: new URLSearchParams(fields),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    };
  }
  const isActiveAt = async (node: TestApp, reader: TestClient, accessToken: string): Promise<boolean> =>
    (await post(node, '/introspect', reader, { token: accessToken })).body.active === true;

  it('is told of each session it takes part in; its grants end, offline ones too; the sessions go on', async () => {
    const [client, bystander, reader] = [
      await clientOf(app, party, ALSO_ITS_OWN),
      await clientOf(app, party),
      await app.createClient({ resource_server: true }),
    ];
    const { accountId, login, browser, tokens } = await someoneAt(app, [client, bystander]);
    const offline = await app.signInTo(browser, client, login, OFFLINE);
    const own = await app.form('/token', { grant_type: 'client_credentials', scope: 'reports' }, client);
    const ownToken = String(own.body.access_token);
    for (const node of [app, other]) {
      expect(await isActiveAt(node, reader, tokens[0]!.access_token)).toBe(true);
      expect(await isActiveAt(node, reader, ownToken)).toBe(true);
    }

    const answer = await turn(client, 'disable');
    expect(answer.status).toBe(200);
    // At once, on every node: whoever wants to know asks storage.
    for (const node of [app, other])
      for (const accessToken of [tokens[0]!.access_token, offline.access_token, ownToken])
        expect(await isActiveAt(node, reader, accessToken)).toBe(false);
    for (const node of [app, other])
      for (const refreshToken of [tokens[0]!.refresh_token, offline.refresh_token]) {
        const { status } = await post(node, '/token', client, {
          grant_type: 'refresh_token',
          refresh_token: refreshToken,
        });
        expect([400, 401]).toContain(status);
      }

    await app.sendDue();
    const [termination, ...more] = await terminationsOf(app, accountId);
    expect(more).toEqual([]);
    expect(termination).toMatchObject({
      cause: 'client_disabled',
      initiator: { kind: 'operator', clientId: ADMIN.clientId },
      sessions: 0,
      grants_revoked: 2,
      deliveries: 1,
    });
    expect(answer.body).toMatchObject({ termination_id: termination?.id, grants_revoked: 2 });
    expect(await deliveriesTo(app, client.clientId)).toMatchObject([
      { state: 'delivered', attempts: 1, sub: accountId },
    ]);
    expect(party.received.filter(({ claims }) => claims.sub === accountId)).toHaveLength(1);
    expect(await promptNone(app, browser, bystander)).toBe('code');
    expect(await app.isActive(bystander, tokens[1]!.access_token)).toBe(true);
  });

  it('gets no token and nobody signs in with it, in words for the person', async () => {
    const client = await clientOf(app, party, ALSO_ITS_OWN);
    const { browser } = await someoneAt(app, [client]);
    await turn(client, 'disable');
    // Its notices have been sent and recorded: what is counted below is what the refusals do.
    await app.sendDue();
    // What refusals are counted and recorded in changes, and nothing else.
    const counts = async (): Promise<object> => ({ ...(await app.rowCounts()), rate_limits: 0, audit_events: 0 });
    const before = await counts();
    const page = await browser.get(app.authorizeUrl(client));
    expect([page.status, page.location]).toEqual([400, undefined]);
    expect(page.body).toContain('switched off');
    for (const path of ['/token', '/introspect', '/revoke']) {
      const answer = await app.form(path, { grant_type: 'client_credentials', token: 'x' }, client);
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
    }
    expect(await counts()).toEqual(before);
  });

  it('a request that was under way when it was disabled gets no code', async () => {
    const client = await clientOf(app, party);
    const { login } = await app.createAccount();
    const browser = app.browser();
    const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
    await turn(client, 'disable');
    const answer = await browser.follow(await app.signIn(browser, page, login));
    expect(answer.location).toBeUndefined();
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await app.db.query('SELECT 1 FROM grants WHERE client_id = $1', [client.clientId])).toEqual([]);
  });

  it('a node that has not heard of it makes no grant and finds no token of it alive', async () => {
    const client = await clientOf(app, party, ALSO_ITS_OWN);
    const reader = await app.createClient({ resource_server: true });
    const { browser } = await someoneAt(app, [client]);
    const { body } = await app.form('/token', { grant_type: 'client_credentials', scope: 'reports' }, client);
    const opaque = await clientOf(app, party, { ...ALSO_ITS_OWN, access_token_format: 'opaque' });
    const second = await app.form('/token', { grant_type: 'client_credentials', scope: 'reports' }, opaque);
    for (const answer of [body, second.body])
      expect(await app.isActive(reader, String(answer.access_token))).toBe(true);

    await disableUnheard(client);
    await disableUnheard(opaque);
    for (const answer of [body, second.body])
      expect(await app.isActive(reader, String(answer.access_token))).toBe(false);
    const grants = () => app.db.query('SELECT id FROM grants WHERE client_id = $1', [client.clientId]);
    const before = await grants();
    expect(await promptNone(app, browser, client)).toBe('login_required');
    expect(await grants()).toEqual(before);
  });

  it('a sign-in and a disabling at once: no grant is left that lives', async () => {
    for (let round = 0; round < 5; round += 1) {
      const client = await clientOf(app, party);
      const { browser } = await someoneAt(app, [client]);
      await Promise.all([
        ...Array.from({ length: 6 }, () => browser.get(app.authorizeUrl(client, { prompt: 'none' }))),
        turn(client, 'disable'),
      ]);
      expect(
        await app.db.query('SELECT id FROM grants WHERE client_id = $1 AND revoked_at IS NULL', [client.clientId]),
      ).toEqual([]);
    }
  });

  it('still hears of sessions that end later: its people are signed out there too', async () => {
    const client = await clientOf(app, party);
    const { accountId, browser } = await someoneAt(app, [client]);
    await turn(client, 'disable');
    await signOut(browser);
    await app.sendDue();
    expect((await terminationsOf(app, accountId)).map(({ cause }) => cause)).toEqual([
      'client_disabled',
      'end_session',
    ]);
    expect((await deliveriesTo(app, client.clientId)).map(({ state }) => state)).toEqual(['delivered', 'delivered']);
  });

  it('a second time there is nothing to end, and nobody is told again', async () => {
    const client = await clientOf(app, party);
    await someoneAt(app, [client]);
    await turn(client, 'disable');
    const shown = await app.json('GET', `/admin/v1/clients/${client.clientId}`, { token });
    app.clock.advance(MINUTE);
    await app.sendDue();
    const before = await app.rowCounts();
    expect((await turn(client, 'disable')).status).toBe(200);
    expect(await app.rowCounts()).toEqual(before);
    const later = await app.json('GET', `/admin/v1/clients/${client.clientId}`, { token });
    expect(later.body.disabled_at).toBe(shown.body.disabled_at);
  });

  it('comes back by being enabled: people sign in again, what was ended stays ended', async () => {
    const client = await clientOf(app, party, ALSO_ITS_OWN);
    const reader = await app.createClient({ resource_server: true });
    const { browser, tokens } = await someoneAt(app, [client]);
    const own = await app.form('/token', { grant_type: 'client_credentials', scope: 'reports' }, client);
    await turn(client, 'disable');
    const shown = await app.json('GET', `/admin/v1/clients/${client.clientId}`, { token });
    expect(shown.body.disabled_at).toBe(app.clock.now().toISOString());
    app.clock.advance(SECOND);

    const answer = await turn(client, 'enable');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ client_id: client.clientId });
    expect(answer.body).not.toHaveProperty('disabled_at');
    expect(answer.body).not.toHaveProperty('client_secret');
    expect(await promptNone(app, browser, client)).toBe('code');
    expect((await app.refresh(client, tokens[0]!.refresh_token)).body.error).toBe('invalid_grant');
    expect(await app.isActive(reader, tokens[0]!.access_token)).toBe(false);
    expect(await app.isActive(reader, String(own.body.access_token))).toBe(false);
    const again = await app.form('/token', { grant_type: 'client_credentials', scope: 'reports' }, client);
    expect(await app.isActive(reader, String(again.body.access_token))).toBe(true);
    expect((await turn(client, 'enable')).status).toBe(200);
    expect(await app.isActive(reader, String(again.body.access_token))).toBe(true);
  });

  it('does not change its own registration meanwhile (RFC 7592)', async () => {
    const { body } = await app.json('POST', '/register', { token, body: { redirect_uris: ['https://a.example/cb'] } });
    const own = () =>
      app.json('GET', `/register/${String(body.client_id)}`, { token: String(body.registration_access_token) });
    expect((await own()).status).toBe(200);
    await app.json('POST', `/admin/v1/clients/${String(body.client_id)}/disable`, { token });
    expect((await own()).status).toBe(401);
    await app.json('POST', `/admin/v1/clients/${String(body.client_id)}/enable`, { token });
    expect((await own()).status).toBe(200);
  });

  it.each<[string, () => Promise<Answer>, number]>([
    ['an unknown client', () => app.json('POST', '/admin/v1/clients/nobody/disable', { token }), 404],
    ['an unknown client (enable)', () => app.json('POST', '/admin/v1/clients/nobody/enable', { token }), 404],
    [
      'without a token',
      async () => app.json('POST', `/admin/v1/clients/${(await app.createClient()).clientId}/disable`),
      401,
    ],
    [
      'the operator’s own client',
      () => app.json('POST', `/admin/v1/clients/${ADMIN.clientId}/disable`, { token }),
      409,
    ],
  ])('refuses to disable %s, and nothing changes', async (_what, request, status) => {
    expect((await request()).status).toBe(status);
    const [row] = await app.db.query('SELECT disabled_at FROM clients WHERE client_id = $1', [ADMIN.clientId]);
    expect(row).toEqual({ disabled_at: null });
  });

  it('an operator whose client is disabled is no operator any more', async () => {
    const operator = await app.createClient({ grant_types: ['client_credentials'], scope: 'exeunt:admin' });
    const { body } = await app.form('/token', { grant_type: 'client_credentials', scope: 'exeunt:admin' }, operator);
    const list = () => app.json('GET', '/admin/v1/clients', { token: String(body.access_token) });
    expect((await list()).status).toBe(200);
    await turn(operator, 'disable');
    expect((await list()).status).toBe(401);
  });

  it('is one transaction: when its grants cannot be revoked, it stays enabled', async () => {
    const client = await clientOf(app, party);
    const { tokens } = await someoneAt(app, [client]);
    await app.db.query('ALTER TABLE logout_deliveries RENAME TO gone');
    const answer = await turn(client, 'disable');
    await app.db.query('ALTER TABLE gone RENAME TO logout_deliveries');
    expect(answer.status).toBeGreaterThanOrEqual(500);
    const [row] = await app.db.query('SELECT disabled_at FROM clients WHERE client_id = $1', [client.clientId]);
    expect(row).toEqual({ disabled_at: null });
    expect(await app.isActive(client, tokens[0]!.access_token)).toBe(true);
  });
});
