import { ADMIN, PASSWORD, TestApp, type Answer } from '../support/app.js';
import { MINUTE } from '../support/clock.js';

interface Item {
  readonly event: string;
  readonly outcome: string;
  readonly details: Record<string, unknown>;
}

describe('what administrators change, on record', () => {
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start({ trustProxy: 'loopback' });
    token = await app.adminToken();
  });
  afterAll(() => app.stop());
  beforeEach(() => app.db.query('TRUNCATE audit_events'));

  const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
    app.json(method, `/admin/v1${path}`, { token, body });
  const items = async (query = ''): Promise<Item[]> =>
    ((await call('GET', `/audit-events${query}`)).body.items as Item[]).toReversed();
  const changes = async (): Promise<unknown[]> =>
    (await items()).map(({ event, outcome, details }) => ({ event, outcome, ...details }));
  const by = { operator: ADMIN.clientId, address: expect.stringMatching(/127\.0\.0\.1|::1/), outcome: 'done' };

  it('an account: made, given a role, changed, switched off and on, deleted; never who it is', async () => {
    const created = await call('POST', '/accounts', {
      login: 'otto',
      password: PASSWORD,
      claims: { name: 'Otto Secret', email: 'otto@example.org' },
    });
    const id = String(created.body.id);
    await call('PUT', `/accounts/${id}/roles`, { roles: ['operator'] });
    await call('PATCH', `/accounts/${id}`, { claims: { name: 'Otto Other', nickname: 'o' } });
    await call('PUT', `/accounts/${id}/password`, { password: `${PASSWORD} 2` });
    await call('POST', `/accounts/${id}/disable`);
    await call('POST', `/accounts/${id}/enable`);
    await call('DELETE', `/accounts/${id}`);
    const account = { event: 'account_changed', account_id: id, ...by };
    expect(await changes()).toEqual([
      {
        event: 'account_changed',
        change: 'created',
        'after.account_id': id,
        'after.roles': '',
        'after.disabled': false,
        'after.claims_changed': 'email name',
        ...by,
      },
      { ...account, change: 'roles_set', 'before.roles': '', 'after.roles': 'operator' },
      { ...account, change: 'claims_set', 'after.claims_changed': 'email name nickname' },
      { ...account, change: 'password_set' },
      { ...account, change: 'disabled' },
      { ...account, change: 'enabled', 'before.disabled': true, 'after.disabled': false },
      { ...account, change: 'deleted' },
    ]);
    const [row] = await app.db.query<{ all: string }>('SELECT json_agg(a)::text AS all FROM audit_events a');
    expect(row?.all).not.toMatch(/otto|secret|Other/i);
  });

  it('an upstream and its secret, an organization, an identity, the keys', async () => {
    const upstream = {
      name: 'corp',
      issuer: 'https://login.example.org',
      client_id: 'us',
      client_secret: 'first-secret',
    };
    expect((await call('POST', '/upstreams', upstream)).status).toBe(201);
    await call('PATCH', '/upstreams/corp', { display_name: 'Corporate', enabled: false });
    await call('PATCH', '/upstreams/corp', { client_secret: 'second-secret' });
    await call('POST', '/organizations', { id: 'acme', upstream: 'corp' });
    await call('PATCH', '/organizations/acme', { upstream: null });
    await call('DELETE', '/organizations/acme');
    const { id } = await app.createAccount();
    await call('POST', `/accounts/${id}/identities`, { issuer: upstream.issuer, sub: 'their-sub' });
    await call('DELETE', `/accounts/${id}/identities?issuer=${encodeURIComponent(upstream.issuer)}&sub=their-sub`);
    await call('DELETE', '/upstreams/corp');
    await call('POST', '/keys/rotate', { immediately: false });
    const about = { event: 'upstream_changed', upstream: 'corp', ...by };
    expect((await changes()).filter((change) => (change as { event: string }).event !== 'session_termination')).toEqual(
      [
        expect.objectContaining({
          ...about,
          change: 'registered',
          'after.issuer': upstream.issuer,
          'after.client_id': 'us',
        }),
        {
          ...about,
          change: 'changed',
          'before.display_name': 'corp',
          'after.display_name': 'Corporate',
          'before.enabled': true,
          'after.enabled': false,
        },
        { ...about, change: 'changed', client_secret: 'replaced' },
        expect.objectContaining({
          event: 'organization_changed',
          organization: 'acme',
          change: 'created',
          'after.upstream': 'corp',
        }),
        {
          event: 'organization_changed',
          organization: 'acme',
          change: 'changed',
          'before.upstream': 'corp',
          'after.upstream': null,
          ...by,
        },
        { event: 'organization_changed', organization: 'acme', change: 'deleted', ...by },
        { event: 'account_changed', change: 'identity_linked', account_id: id, issuer: upstream.issuer, ...by },
        { event: 'account_changed', change: 'identity_unlinked', account_id: id, issuer: upstream.issuer, ...by },
        { ...about, change: 'deleted' },
        { event: 'keys_rotated', change: 'rotated', immediately: false, ...by },
      ],
    );
    const [row] = await app.db.query<{ all: string }>('SELECT json_agg(a)::text AS all FROM audit_events a');
    expect(row?.all).not.toMatch(/first-secret|second-secret|their-sub/);
    const { text } = await app.json('GET', '/metrics');
    expect(text).toMatch(/exeunt_changes_total\{event="upstream_changed",change="changed"\} 2/);
  });

  it('a client: made, changed, its secret, its switches, and what it does to itself', async () => {
    const created = await call('POST', '/clients', {
      client_id: 'ledger',
      redirect_uris: ['https://ledger.example.org/cb'],
      scope: 'openid email',
    });
    const secret = String(created.body.client_secret);
    await call('PATCH', '/clients/ledger', { scope: 'openid' });
    await call('POST', '/clients/ledger/post_logout_redirect_uris', { uri: 'https://ledger.example.org/bye' });
    const rotated = await call('POST', '/clients/ledger/secret');
    await call('POST', '/clients/ledger/disable');
    await call('POST', '/clients/ledger/disable');
    await call('POST', '/clients/ledger/enable');
    await call('DELETE', '/clients/ledger');
    const about = { event: 'client_changed', client_id: 'ledger', ...by };
    const seen = (await changes()).filter((change) => (change as { event: string }).event === 'client_changed');
    expect(seen).toEqual([
      expect.objectContaining({
        change: 'created',
        'after.client_id': 'ledger',
        'after.scope': 'openid email',
        'after.redirect_uris': '["https://ledger.example.org/cb"]',
        ...by,
      }),
      { ...about, change: 'changed', 'before.scope': 'openid email', 'after.scope': 'openid' },
      {
        ...about,
        change: 'changed',
        'before.post_logout_redirect_uris': '[]',
        'after.post_logout_redirect_uris': '["https://ledger.example.org/bye"]',
      },
      { ...about, change: 'secret_rotated', 'after.client_secret': 'replaced' },
      { ...about, change: 'disabled' },
      { ...about, change: 'enabled' },
      { ...about, change: 'deleted' },
    ]);
    const [row] = await app.db.query<{ all: string }>('SELECT json_agg(a)::text AS all FROM audit_events a');
    for (const value of [secret, String(rotated.body.client_secret)]) expect(row?.all).not.toContain(value);
  });

  it('a client that registers and changes itself', async () => {
    const registered = await app.json('POST', '/register', {
      token,
      body: { redirect_uris: ['https://self.example.org/cb'] },
    });
    const { client_id: id, registration_access_token: own } = registered.body as Record<string, string>;
    const body = { client_id: id, redirect_uris: ['https://self.example.org/cb2'] };
    expect((await app.json('PUT', `/register/${id}`, { token: own, body })).status).toBe(200);
    expect((await app.json('DELETE', `/register/${id}`, { token: own })).status).toBe(204);
    const seen = (await changes()).filter((change) => (change as { event: string }).event === 'client_changed');
    const about = { event: 'client_changed', client_id: id, client: id, outcome: 'done' };
    expect(seen).toEqual([
      expect.objectContaining({
        ...about,
        change: 'registered',
        'after.redirect_uris': '["https://self.example.org/cb"]',
      }),
      expect.objectContaining({
        ...about,
        change: 'changed',
        'before.redirect_uris': '["https://self.example.org/cb"]',
        'after.redirect_uris': '["https://self.example.org/cb2"]',
      }),
      expect.objectContaining({ ...about, change: 'deleted' }),
    ]);
  });

  it.each([
    [
      'an account that is not there',
      'PUT',
      '/accounts/00000000-0000-7000-8000-000000000000/roles',
      { roles: ['operator'] },
    ],
    ['an organization that is not there', 'DELETE', '/organizations/nowhere', undefined],
    ['a login that is taken', 'POST', '/accounts', { login: 'twice', password: PASSWORD }],
  ])('what was refused is no change: %s', async (_, method, path, body) => {
    await app.createAccount('twice').catch(() => undefined);
    const before = await app.rowCounts();
    expect((await call(method, path, body)).status).toBeGreaterThanOrEqual(400);
    expect(await app.rowCounts()).toEqual(before);
  });

  it('is undone with the change', async () => {
    await app.db.query(`ALTER TABLE audit_events ADD CONSTRAINT away CHECK (event <> 'account_changed') NOT VALID`);
    const before = await app.rowCounts();
    expect((await call('POST', '/accounts', { login: 'nobody-knows', password: PASSWORD })).status).toBe(503);
    await app.db.query('ALTER TABLE audit_events DROP CONSTRAINT away');
    expect(await app.rowCounts()).toEqual(before);
  });

  describe('sign-ins', () => {
    it('good and bad ones, with the account where it is known, and never what was typed', async () => {
      const { id, login } = await app.createAccount();
      const client = await app.createClient();
      const browser = app.browser({ 'x-forwarded-for': '192.0.2.9' });
      const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
      await browser.submit(page, 'login-submit', { login, password: 'typed-by-mistake' });
      await browser.submit(page, 'login-submit', { login: 'typed-in-the-wrong-field', password: 'x' });
      await browser.submit(page, 'login-submit', { login, password: PASSWORD });
      const about = { event: 'sign_in', method: 'password', address: '192.0.2.9' };
      expect((await changes()).filter((change) => (change as { event: string }).event === 'sign_in')).toEqual([
        { ...about, outcome: 'refused', reason: 'wrong_credentials', account_id: id },
        { ...about, outcome: 'refused', reason: 'wrong_credentials' },
        { ...about, outcome: 'done', account_id: id },
      ]);
      const [row] = await app.db.query<{ all: string }>('SELECT json_agg(a)::text AS all FROM audit_events a');
      expect(row?.all).not.toMatch(/typed-/);
      const { text } = await app.json('GET', '/metrics');
      expect(text).toMatch(/exeunt_sign_ins_total\{method="password",outcome="refused"\} [2-9]/);
      expect(text).toMatch(/exeunt_sign_ins_total\{method="password",outcome="done"\} [1-9]/);
    });

    it('nobody is let in off the record', async () => {
      app.clock.advance(MINUTE);
      const { login } = await app.createAccount();
      const client = await app.createClient();
      await app.db.query(`ALTER TABLE audit_events ADD CONSTRAINT away CHECK (event <> 'sign_in') NOT VALID`);
      const browser = app.browser();
      const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
      const answer = await browser.submit(page, 'login-submit', { login, password: PASSWORD });
      await app.db.query('ALTER TABLE audit_events DROP CONSTRAINT away');
      expect([answer.status, answer.location]).toEqual([503, undefined]);
      expect((await app.rowCounts()).sessions).toBe(1);
    });
  });
});
