import { ADMIN, PASSWORD, TestApp, type Answer } from '../support/app.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';

type Item = Record<string, string>;

describe('the operator API', () => {
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start();
    token = await app.adminToken();
  });
  afterAll(() => app.stop());

  const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
    app.json(method, `/admin/v1${path}`, { token, body });
  const items = (answer: Answer): Item[] => answer.body.items as Item[];

  describe('lets nobody in but a live token with exeunt:admin that is meant for us (threat-model#other-peoples-sessions)', () => {
    async function routes(): Promise<[method: string, path: string][]> {
      const { paths } = (await app.json('GET', '/openapi.json')).body as { paths: Record<string, object> };
      return Object.entries(paths)
        .filter(([path]) => path.startsWith('/admin/'))
        .flatMap(([path, operations]) =>
          Object.keys(operations).map((method): [string, string] => [
            method.toUpperCase(),
            path.replaceAll(/\{\w+\}/g, 'x'),
          ]),
        );
    }

    it('on every route', async () => {
      const robot = await app.createClient({ grant_types: ['client_credentials'], scope: 'other' });
      const elsewhere = await app.createClient({
        grant_types: ['client_credentials'],
        scope: 'exeunt:admin',
        audience: ['https://api.example.com'],
      });
      const tokenOf = async (client: { clientId: string; clientSecret: string }): Promise<string> =>
        String((await app.form('/token', { grant_type: 'client_credentials' }, client)).body.access_token);
      const revoked = await tokenOf(ADMIN);
      await app.form('/revoke', { token: revoked }, ADMIN);
      const cases: [string | undefined, number][] = [
        [undefined, 401],
        ['a.b.c', 401],
        [revoked, 401],
        [await tokenOf(robot), 403],
        [await tokenOf(elsewhere), 401],
      ];
      const before = await app.rowCounts();
      const all = await routes();
      expect(all.length).toBeGreaterThan(20);
      for (const [method, path] of all) {
        for (const [bearer, status] of cases) {
          const answer = await app.json(method, path, { token: bearer, ...(method === 'GET' ? {} : { body: {} }) });
          expect([method, path, bearer?.slice(0, 5), answer.status]).toEqual([
            method,
            path,
            bearer?.slice(0, 5),
            status,
          ]);
          if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
        }
      }
      expect(await app.rowCounts()).toEqual(before);
    });
  });

  describe('clients', () => {
    const body = { client_name: 'Ledger', redirect_uris: ['https://app.example.com/cb'] };

    it('creates, reads, lists with search and cursor, replaces, patches, deletes', async () => {
      const names = ['Alpha One', 'Alpha Two', 'Alpha Three'];
      const ids: string[] = [];
      for (const client_name of names) {
        app.clock.advance(1);
        ids.push(String((await call('POST', '/clients', { ...body, client_name })).body.client_id));
      }
      const first = await call('GET', '/clients?search=alpha&limit=2');
      expect(items(first).map((client) => client.client_name)).toEqual(['Alpha Three', 'Alpha Two']);
      const second = await call('GET', `/clients?search=alpha&limit=2&cursor=${String(first.body.next_cursor)}`);
      expect(items(second).map((client) => client.client_name)).toEqual(['Alpha One']);
      expect(second.body).not.toHaveProperty('next_cursor');
      expect(first.text + second.text).not.toContain('secret":');

      const path = `/clients/${ids[0]}`;
      const patched = await call('PATCH', path, {
        skip_consent: true,
        client_name: null,
        backchannel_logout_uri: 'https://app.example.com/out',
      });
      expect(patched.body).toMatchObject({ skip_consent: true, redirect_uris: body.redirect_uris });
      expect(patched.body).not.toHaveProperty('client_name');
      expect((await call('PUT', path, body)).body).toMatchObject({ skip_consent: false, client_name: 'Ledger' });
      expect((await call('GET', path)).body).not.toHaveProperty('backchannel_logout_uri');
      expect((await call('DELETE', path)).status).toBe(204);
      expect((await call('GET', path)).status).toBe(404);
      expect((await call('DELETE', path)).status).toBe(404);
    });

    it('takes an id that the administrator chose, once, and none that could be a person’s sub', async () => {
      expect((await call('POST', '/clients', { ...body, client_id: 'chosen' })).body.client_id).toBe('chosen');
      expect((await call('POST', '/clients', { ...body, client_id: 'chosen' })).status).toBe(409);
      for (const client_id of ['a', 'a b', '0197f4a2-7c1e-7c3b-9a51-0b8e4b7a8a10', 7]) {
        expect((await call('POST', '/clients', { ...body, client_id })).body.error).toBe('invalid_client_metadata');
      }
    });

    it('refuses bad metadata as /register does, and changes nothing', async () => {
      const { clientId } = await app.createClient();
      const before = (await call('GET', `/clients/${clientId}`)).body;
      expect((await call('PATCH', `/clients/${clientId}`, { redirect_uris: ['javascript:alert(1)'] })).body.error).toBe(
        'invalid_redirect_uri',
      );
      expect((await call('PUT', `/clients/${clientId}`, { client_id: 'another', ...body })).status).toBe(400);
      expect((await call('GET', `/clients/${clientId}`)).body).toEqual(before);
    });

    it('rotates a secret: the old one is dead, also on another node', async () => {
      const client = await app.createClient({ grant_types: ['client_credentials'], scope: 'x' });
      const node = await TestApp.start({}, { db: app.db, clock: app.clock });
      const works = async (at: TestApp, clientSecret: string): Promise<boolean> =>
        (await at.form('/token', { grant_type: 'client_credentials' }, { clientId: client.clientId, clientSecret }))
          .status === 200;
      expect(await works(node, client.clientSecret)).toBe(true);
      const next = String((await call('POST', `/clients/${client.clientId}/secret`)).body.client_secret);
      expect([await works(app, client.clientSecret), await works(app, next)]).toEqual([false, true]);
      await vi.waitUntil(async () => !(await works(node, client.clientSecret)));
      expect(await works(node, next)).toBe(true);
      await node.stop();
    });

    it('manages post-logout redirect URIs one by one; twenty at once are all kept', async () => {
      const { clientId } = await app.createClient();
      const path = `/clients/${clientId}/post_logout_redirect_uris`;
      const uris = Array.from({ length: 20 }, (_, n) => `https://app.example.com/bye/${n}`);
      const answers = await Promise.all(uris.map((uri) => call('POST', path, { uri })));
      expect(answers.map(({ status }) => status)).toEqual(uris.map(() => 201));
      expect(((await call('GET', path)).body.post_logout_redirect_uris as string[]).toSorted()).toEqual(
        uris.toSorted(),
      );
      expect((await call('DELETE', `${path}?uri=${encodeURIComponent(uris[0] ?? '')}`)).status).toBe(204);
      expect((await call('DELETE', `${path}?uri=${encodeURIComponent(uris[0] ?? '')}`)).status).toBe(404);
      expect((await call('POST', path, { uri: 'javascript:alert(1)' })).body.error).toBe('invalid_redirect_uri');
      expect((await call('GET', path)).body.post_logout_redirect_uris).toHaveLength(19);
    });
  });

  describe('accounts', () => {
    it('creates, reads, lists, updates; a login is taken once however it is written', async () => {
      const created = await call('POST', '/accounts', {
        login: 'Zoe@Example.com',
        password: PASSWORD,
        email: 'zoe@example.com',
        claims: { name: 'Zoe', address: { locality: 'Bonn' }, email_verified: true },
      });
      expect(created.status).toBe(201);
      expect(created.body).toMatchObject({
        login: 'zoe@example.com',
        email: 'zoe@example.com',
        has_password: true,
        disabled: false,
      });
      expect(created.text).not.toContain('argon2');
      const [row] = await app.db.query<{ password_hash: string }>('SELECT password_hash FROM accounts WHERE id = $1', [
        created.body.id,
      ]);
      expect(row?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      expect((await call('POST', '/accounts', { login: 'ZOE@example.com', password: PASSWORD })).status).toBe(409);
      expect(items(await call('GET', '/accounts?search=zoe')).map((account) => account.id)).toEqual([created.body.id]);
      const updated = await call('PATCH', `/accounts/${String(created.body.id)}`, { claims: { name: 'Zoë' } });
      expect(updated.body.claims).toMatchObject({ name: 'Zoë' });
      expect(updated.body.claims).not.toHaveProperty('address');
      expect((await call('GET', '/accounts/not-an-id')).status).toBe(404);
    });

    it.each([
      [{ login: 'x', password: 'short' }],
      [{ password: PASSWORD }],
      [{ login: 'x', password: PASSWORD, email: 'no-address' }],
      [{ login: 'x', password: PASSWORD, claims: { role: 'admin' } }],
      [{ login: 'x', password: PASSWORD, claims: { email_verified: 'yes' } }],
      [{ login: 'x', password: PASSWORD, pasword: 'misspelt' }],
      [{ login: ['x', 'y'], password: PASSWORD }],
      [{ login: 'a\u0000b', password: PASSWORD }],
    ])('refuses %j', async (body) => {
      const before = await app.rowCounts();
      const answer = await call('POST', '/accounts', body);
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
      expect(await app.rowCounts()).toEqual(before);
    });

    it.each([
      [
        'a new password',
        (id: string) => call('PUT', `/accounts/${id}/password`, { password: 'another long password' }),
      ],
      ['disabling', (id: string) => call('POST', `/accounts/${id}/disable`)],
      ['deletion', (id: string) => call('DELETE', `/accounts/${id}`)],
    ])('%s ends every session and grant, offline ones too, and tells the applications', async (_what, act) => {
      const party = await StubRelyingParty.start();
      const client = await app.createClient({
        redirect_uris: [party.redirectUri],
        backchannel_logout_uri: party.backchannelLogoutUri,
      });
      const { id, login } = await app.createAccount();
      const browser = app.browser();
      const tokens = [
        await app.signInTo(browser, client, login),
        await app.signInTo(app.browser(), client, login, { scope: 'openid offline_access' }),
      ];
      expect((await act(id)).status).toBeLessThan(300);
      for (const { access_token, refresh_token } of tokens) {
        expect(await app.isActive(client, access_token)).toBe(false);
        expect((await app.refresh(client, refresh_token)).body.error).toBe('invalid_grant');
      }
      expect((await browser.get(app.authorizeUrl(client, { prompt: 'none' }))).query.get('error')).toBe(
        'login_required',
      );
      await party.waitFor(2);
      const again = await app
        .signIn(app.browser(), await app.browser().get(app.authorizeUrl(client)), login)
        .catch((error: Error) => error);
      expect(again).not.toMatchObject({ location: expect.stringContaining('code=') });
      await party.stop();
    });

    it('enables again, and what was ended stays ended', async () => {
      const client = await app.createClient();
      const { id, login } = await app.createAccount();
      const { access_token: before } = await app.signInTo(app.browser(), client, login);
      await call('POST', `/accounts/${id}/disable`);
      app.clock.advance(1000);
      expect((await call('POST', `/accounts/${id}/enable`)).body.disabled).toBe(false);
      expect(await app.isActive(client, before)).toBe(false);
      const { access_token: after } = await app.signInTo(app.browser(), client, login);
      expect(await app.isActive(client, after)).toBe(true);
    });
  });

  it('lists sessions by account and client, shows one with its applications, ends it, and shows the record', async () => {
    const [client, other] = [await app.createClient(), await app.createClient()];
    const { id, login } = await app.createAccount();
    const laptop = app.browser({ 'user-agent': 'Laptop' });
    await app.signInTo(laptop, client, login);
    app.clock.advance(1000);
    await app.signInTo(laptop, other, login);
    const phoneTokens = await app.signInTo(app.browser(), client, login);
    expect(items(await call('GET', `/sessions?account_id=${id}`))).toHaveLength(2);
    const [session] = items(await call('GET', `/sessions?account_id=${id}&client_id=${other.clientId}`));
    const detail = (await call('GET', `/sessions/${session?.id}`)).body;
    expect(detail).toMatchObject({
      user_agent: 'Laptop',
      clients: [{ client_id: client.clientId }, { client_id: other.clientId }],
    });
    const ended = await call('DELETE', `/sessions/${session?.id}`);
    expect(ended.body).toMatchObject({ sessions: 1, grants_revoked: 2, termination_id: expect.any(String) });
    expect((await call('DELETE', `/sessions/${session?.id}`)).body).toMatchObject({ sessions: 0 });
    expect(await app.isActive(client, phoneTokens.access_token)).toBe(true);
    expect(items(await call('GET', `/sessions?account_id=${id}`))).toHaveLength(1);
    expect(items(await call('GET', `/sessions?account_id=${id}&state=all`))).toHaveLength(2);
    const record = (await call('GET', `/terminations/${String(ended.body.termination_id)}`)).body;
    expect(record).toMatchObject({
      cause: 'admin',
      initiator: { kind: 'operator', client_id: ADMIN.clientId },
      account_id: id,
    });
    expect((await call('GET', '/terminations/nothing')).status).toBe(404);
    expect((await call('GET', '/deliveries/0197f4a2-7c1e-7c3b-9a51-0b8e4b7a8a10')).status).toBe(404);
    expect((await call('GET', '/deliveries?state=unheard-of')).status).toBe(400);
  });
});
