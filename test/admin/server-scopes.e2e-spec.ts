import { ADMIN, TestApp, type Answer, type TestClient } from '../support/app.js';

const CODE_AND_OWN = ['authorization_code', 'refresh_token', 'client_credentials'];

/** Power over this server is a client's own, by client_credentials; no person can grant it. */
describe('scopes of this server (exeunt:*)', () => {
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start({ registration: 'token' });
    token = await app.adminToken();
  });
  afterAll(() => app.stop());

  /** A client of the time when both could be had together: it is stored so. */
  async function mixedClient(metadata: Record<string, unknown> = {}): Promise<TestClient> {
    const client = await app.createClient({ grant_types: CODE_AND_OWN, scope: 'openid reports', ...metadata });
    await store(client, 'openid reports exeunt:admin exeunt:register exeunt:other');
    return client;
  }
  async function store(client: TestClient, scope: string): Promise<void> {
    await app.db.query(
      `UPDATE clients SET metadata = metadata || jsonb_build_object('scope', $2::text) WHERE client_id = $1`,
      [client.clientId, scope],
    );
    await app.db.query(`SELECT pg_notify('exeunt_changes', 'client:' || $1)`, [client.clientId]);
    await vi.waitFor(async () => {
      const { body } = await app.json('GET', `/admin/v1/clients/${client.clientId}`, { token });
      expect(body.scope).toBe(scope);
    });
  }
  const introspected = async (client: TestClient, value: string): Promise<Record<string, unknown>> =>
    (await app.form('/introspect', { token: value }, client)).body;

  it.each(['jwt', 'opaque'])('never reach a person’s tokens (%s), whatever is asked for', async (format) => {
    const client = await mixedClient({ access_token_format: format });
    const { login } = await app.createAccount();
    const tokens = await app.signInTo(app.browser(), client, login, {
      scope: 'openid exeunt:admin exeunt:register exeunt:other reports',
    });
    expect(tokens.scope).toBe('openid reports');
    for (const value of [tokens.access_token, tokens.refresh_token])
      expect(await introspected(client, value)).toMatchObject({ active: true, scope: 'openid reports' });
    expect(await app.db.query('SELECT DISTINCT scope FROM grants WHERE client_id = $1', [client.clientId])).toEqual([
      { scope: 'openid reports' },
    ]);
    await expectNoPower(tokens.access_token);
    const refreshed = await app.refresh(client, tokens.refresh_token);
    expect(refreshed.body.scope).toBe('openid reports');
    await expectNoPower(String(refreshed.body.access_token));
  });

  /** What a refusal must leave alone; that somebody asked is counted. */
  async function rows(): Promise<Record<string, number>> {
    const { rate_limits: _limits, ...counts } = await app.rowCounts();
    return counts;
  }

  async function expectNoPower(accessToken: string): Promise<void> {
    const before = await rows();
    const order = { target: { everyone: true }, reason: 'a try' };
    const answers: Answer[] = [
      await app.json('GET', '/admin/v1/accounts', { token: accessToken }),
      await app.json('POST', '/admin/v1/clients', {
        token: accessToken,
        body: { grant_types: ['client_credentials'], scope: 'exeunt:admin' },
      }),
      await app.json('POST', '/admin/v1/logout-orders', { token: accessToken, body: order }),
      await app.json('POST', '/register', { token: accessToken, body: { redirect_uris: ['https://a.example/cb'] } }),
    ];
    for (const answer of answers) expect([answer.status, answer.body.error]).toEqual([403, 'insufficient_scope']);
    expect(await rows()).toEqual(before);
  }

  it('of a grant that has them from before count for nothing, nor do they in its access token', async () => {
    for (const format of ['jwt', 'opaque']) {
      const client = await mixedClient({ access_token_format: format });
      const { login } = await app.createAccount();
      const tokens = await app.signInTo(app.browser(), client, login, { scope: 'openid reports' });
      await app.db.query(`UPDATE grants SET scope = 'openid exeunt:admin reports' WHERE client_id = $1`, [
        client.clientId,
      ]);
      await app.db.query(`UPDATE opaque_access_tokens SET scope = 'openid exeunt:admin' WHERE client_id = $1`, [
        client.clientId,
      ]);
      await expectNoPower(tokens.access_token);
      const refreshed = await app.refresh(client, tokens.refresh_token);
      expect(refreshed.body.scope).toBe('openid reports');
      await expectNoPower(String(refreshed.body.access_token));
      const narrowed = await app.refresh(client, String(refreshed.body.refresh_token), { scope: 'exeunt:admin' });
      expect([narrowed.status, narrowed.body.error]).toEqual([400, 'invalid_scope']);
    }
  });

  it('are still a client’s own, also where it has the code flow beside them from before', async () => {
    const client = await mixedClient();
    const { body } = await app.form('/token', { grant_type: 'client_credentials', scope: 'exeunt:admin' }, client);
    expect((await app.json('GET', '/admin/v1/accounts', { token: String(body.access_token) })).status).toBe(200);
    const rename = { client_name: 'Renamed' };
    expect((await app.json('PATCH', `/admin/v1/clients/${client.clientId}`, { token, body: rename })).status).toBe(200);
  });

  it.each([
    ['the default grant types', {}],
    ['the code flow', { grant_types: ['authorization_code'] }],
    ['the code flow beside client_credentials', { grant_types: CODE_AND_OWN }],
  ])('are refused together with %s, and the refusal says what to do', async (_what, metadata) => {
    for (const scope of ['openid exeunt:admin', 'exeunt:register', 'exeunt:anything']) {
      const body = { redirect_uris: ['https://portal.example/cb'], scope, ...metadata };
      const before = await rows();
      const answer = await app.json('POST', '/admin/v1/clients', { token, body });
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client_metadata']);
      expect(answer.body.error_description).toContain('two clients');
      expect(await rows()).toEqual(before);
    }
  });

  it.each(['PATCH', 'PUT'])(
    'are refused by %s: to a client of people, and the code flow to an administrator',
    async (method) => {
      const people = await app.createClient({ scope: 'openid' });
      const machine = await app.createClient({ grant_types: ['client_credentials'], scope: 'exeunt:admin' });
      const redirect_uris = ['http://127.0.0.1:9/callback'];
      const changes = [
        [people, { redirect_uris, scope: 'openid exeunt:admin', grant_types: ['authorization_code'] }],
        [machine, { redirect_uris, scope: 'exeunt:admin', grant_types: CODE_AND_OWN }],
      ] as const;
      for (const [client, body] of changes) {
        const path = `/admin/v1/clients/${client.clientId}`;
        const before = (await app.json('GET', path, { token })).body;
        const answer = await app.json(method, path, { token, body });
        expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client_metadata']);
        expect((await app.json('GET', path, { token })).body).toEqual(before);
      }
    },
  );

  it('do not register clients by a token that is meant for another resource (RFC 9068 §4)', async () => {
    const registrar = await app.createClient({
      grant_types: ['client_credentials'],
      scope: 'exeunt:register exeunt:admin',
      audience: ['https://api.example.org'],
    });
    const { body } = await app.form('/token', { grant_type: 'client_credentials' }, registrar);
    const before = await rows();
    for (const [path, sent] of [
      ['/register', { redirect_uris: ['https://a.example/cb'] }],
      ['/admin/v1/clients', { grant_types: ['client_credentials'] }],
    ] as const) {
      const answer = await app.json('POST', path, { token: String(body.access_token), body: sent });
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_token']);
    }
    expect(await rows()).toEqual(before);
  });

  it('are not given to a person by the Elasticsearch API either', async () => {
    const facilitator = await app.createClient({ permissions: ['manage_token'], grant_types: ['client_credentials'] });
    await store(facilitator, 'openid profile email exeunt:admin');
    const { login } = await app.createAccount();
    const answer = await app.json('POST', '/_security/oauth2/token', {
      token: await ownToken(facilitator),
      body: {
        grant_type: 'password',
        username: login,
        password: 'correct horse battery staple',
        scope: 'exeunt:admin',
      },
    });
    expect(answer.status).toBe(200);
    await expectNoPower(String(answer.body.access_token));
  });

  async function ownToken(client: TestClient): Promise<string> {
    return String((await app.form('/token', { grant_type: 'client_credentials' }, client)).body.access_token);
  }

  it('let the administrator of the first start in as before', async () => {
    expect((await app.form('/token', { grant_type: 'client_credentials' }, ADMIN)).body.scope).toBe('exeunt:admin');
  });
});
