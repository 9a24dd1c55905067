import { deliveriesTo, clientOf } from '../back-channel-logout/scene.js';
import { promptNone } from '../rp-initiated-logout/end-session.js';
import { TestApp, type Answer, type TestAccount, type TestClient } from '../support/app.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { StubUpstream, type UpstreamSubject } from '../support/stub-upstream.js';
import { signOut } from '../tokens/token-requests.js';
import { leave, operator, registration, signInBy } from '../upstreams/scene.js';

type Item = Readonly<Record<string, unknown>>;

const PATIENCE = { timeout: 10_000 };
const DIALECTS = ['oidc-end-session', 'back-channel-receiver', 'elasticsearch', 'vmware-csp'];

describe('/admin/v1/upstreams', () => {
  let app: TestApp;
  let upstream: StubUpstream;
  let party: StubRelyingParty;
  let call: ReturnType<typeof operator>;

  beforeAll(async () => {
    app = await TestApp.start();
    [upstream, party] = await Promise.all([StubUpstream.start(app.clock), StubRelyingParty.start()]);
    call = operator(app, await app.adminToken());
  });
  afterAll(() => Promise.all([app.stop(), upstream.stop(), party.stop()]));
  afterEach(async () => {
    upstream.down.clear();
    for (const { id } of (await call('GET', '/organizations')).body.items as Item[])
      await call('DELETE', `/organizations/${String(id)}`);
    for (const { name } of (await call('GET', '/upstreams')).body.items as Item[])
      await call('DELETE', `/upstreams/${String(name)}`);
  });

  /** A refusal says why in `error`, and no table gains or loses a row. */
  async function expectRefused(send: () => Promise<Answer>, status: number, error: string): Promise<Answer> {
    const before = await app.rowCounts();
    const answer = await send();
    expect([answer.status, answer.body.error, answer.text]).toEqual([status, error, answer.text]);
    expect(await app.rowCounts()).toEqual(before);
    return answer;
  }

  async function row(name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    return (await app.db.query('SELECT * FROM upstreams WHERE name = $1', [name]))[0];
  }

  async function auditEvents(): Promise<Item[]> {
    return (await call('GET', '/audit-events?event=upstream_changed&limit=20')).body.items as Item[];
  }

  describe('registration', () => {
    it('fills in defaults, and says which three addresses to register there', async () => {
      const { status, body } = await call('POST', '/upstreams', registration());
      expect(status).toBe(201);
      expect(body).toEqual({
        name: 'corporate',
        display_name: 'corporate',
        issuer: 'https://login.example.org',
        client_id: 'exeunt',
        has_secret: true,
        token_endpoint_auth_method: 'client_secret_basic',
        redirect_uri: null,
        post_logout_redirect_uri: null,
        scope: 'openid profile email',
        claim_mapping: {},
        id_token_signed_response_alg: 'RS256',
        creates_accounts: true,
        enabled: true,
        clients: null,
        dialects: DIALECTS,
        peer_client_id: null,
        trust_email: false,
        trusted_email_domains: null,
        trust_phone_number: false,
        requires_logout_token_exp: false,
        callback_uri: `${app.issuer}/upstreams/corporate/callback`,
        signed_out_uri: `${app.issuer}/upstreams/corporate/signed-out`,
        backchannel_logout_uri: `${app.issuer}/api/v1/auth/oidc/backchannel-logout`,
        created_at: app.clock.now().toISOString(),
        updated_at: app.clock.now().toISOString(),
      });
      expect((await call('GET', '/upstreams/corporate')).body).toEqual(body);
    });

    it('keeps everything that is said', async () => {
      const said = {
        display_name: 'Corporate SSO',
        token_endpoint_auth_method: 'client_secret_post',
        redirect_uri: 'https://kibana.example.com/api/security/oidc/callback',
        post_logout_redirect_uri: 'https://kibana.example.com/security/logged_out',
        claim_mapping: { login: 'upn', name: 'display_name' },
        id_token_signed_response_alg: 'ES384',
        creates_accounts: false,
        enabled: false,
        clients: ['ledger'],
        dialects: ['vmware-csp'],
      };
      expect((await call('POST', '/upstreams', registration(said))).body).toMatchObject(said);
    });

    it('lists all of them by name', async () => {
      for (const name of ['zeta', 'alpha'])
        await call('POST', '/upstreams', registration({ name, issuer: `https://${name}.example.org` }));
      const { body } = await call('GET', '/upstreams');
      expect((body.items as Item[]).map(({ name }) => name)).toEqual(['alpha', 'zeta']);
    });

    it.each([
      ['email', 'openid email'],
      ['profile openid profile', 'openid profile'],
      ['', 'openid'],
    ])('keeps openid in the scope %j (OpenID Connect Core 1.0 §3.1.2.1)', async (scope, kept) => {
      expect((await call('POST', '/upstreams', registration({ scope }))).body.scope).toBe(kept);
    });

    it.each([
      'https://login.example.org/realms/a',
      'https://login.example.org/',
      'http://127.0.0.1:4000',
      'http://localhost:4000/op',
    ])('takes the issuer %s, to the letter', async (issuer) => {
      expect((await call('POST', '/upstreams', registration({ issuer }))).body.issuer).toBe(issuer);
    });

    it.each([
      ['no name', { name: undefined }],
      ['an empty name', { name: '' }],
      ['a name with capitals', { name: 'Corporate' }],
      ['a name with a slash', { name: 'a/b' }],
      ['a name that begins with a dot', { name: '..' }],
      ['a name of 64 characters', { name: 'a'.repeat(64) }],
      ['the name of our own realm', { name: 'exeunt' }],
      ['an empty display_name', { display_name: '' }],
      ['a display_name of 101 characters', { display_name: 'a'.repeat(101) }],
      ['no issuer', { issuer: undefined }],
      ['an issuer that is no URL', { issuer: 'login.example.org' }],
      ['an issuer with a query (Discovery 1.0 §3)', { issuer: 'https://login.example.org?tenant=a' }],
      ['an issuer with an empty query', { issuer: 'https://login.example.org/?' }],
      ['an issuer with a fragment (Discovery 1.0 §3)', { issuer: 'https://login.example.org#a' }],
      ['an issuer with a user name', { issuer: 'https://op@login.example.org' }],
      ['an issuer by http that is not on loopback', { issuer: 'http://login.example.org' }],
      ['an issuer by http on a private address', { issuer: 'http://10.0.0.1' }],
      ['an issuer with a scheme of its own', { issuer: 'com.example.op:/' }],
      ['an issuer that the browser would run', { issuer: 'javascript:alert(1)' }],
      ['no client_id', { client_id: undefined }],
      ['an empty client_id', { client_id: '' }],
      ['a client_id with NUL', { client_id: 'a\0' }],
      ['no secret where the method needs one', { client_secret: undefined }],
      ['a secret that is null', { client_secret: null }],
      ['an empty secret', { client_secret: '' }],
      ['a secret that is a number', { client_secret: 7 }],
      ['a method of authentication that is not offered', { token_endpoint_auth_method: 'client_secret_jwt' }],
      ['a redirect_uri with a wildcard', { redirect_uri: 'https://*.example.com/cb' }],
      ['a redirect_uri by http', { redirect_uri: 'http://kibana.example.com/cb' }],
      ['a redirect_uri that the browser would run', { redirect_uri: 'javascript:alert(1)' }],
      ['a post_logout_redirect_uri with a fragment', { post_logout_redirect_uri: 'https://kibana.example.com/#out' }],
      ['a post_logout_redirect_uri that the browser would run', { post_logout_redirect_uri: 'data:text/html,x' }],
      ['a scope that is a list', { scope: ['openid'] }],
      ['a scope that is null', { scope: null }],
      ['a claim_mapping that is a list', { claim_mapping: ['name'] }],
      ['a claim_mapping to a claim that is not standard', { claim_mapping: { admin: 'groups' } }],
      ['a claim_mapping of sub', { claim_mapping: { sub: 'email' } }],
      ['a claim_mapping from nothing', { claim_mapping: { name: '' } }],
      ['a claim_mapping from an object', { claim_mapping: { name: { path: 'a' } } }],
      ['alg none (threat-model#unsigned-tokens)', { id_token_signed_response_alg: 'none' }],
      ['alg HS256 (threat-model#unsigned-tokens)', { id_token_signed_response_alg: 'HS256' }],
      ['several algorithms', { id_token_signed_response_alg: ['RS256', 'ES256'] }],
      ['a switch that is a text', { creates_accounts: 'yes' }],
      ['enabled as a number', { enabled: 1 }],
      ['clients that are no list', { clients: 'ledger' }],
      ['a client that is no text', { clients: [7] }],
      ['a dialect that nobody speaks', { dialects: ['saml'] }],
      ['a member that nobody knows', { client_name: 'x' }],
    ])('refuses %s', async (_what, overrides) => {
      const answer = await expectRefused(
        () => call('POST', '/upstreams', registration(overrides)),
        400,
        'invalid_request',
      );
      expect(String(answer.body.error_description)).toContain(
        'client_id' in overrides && overrides.client_id === 'a\0' ? 'NUL' : Object.keys(overrides)[0],
      );
      expect(answer.text).not.toContain('upstream-secret');
    });

    it('refuses our own issuer: its logout tokens would be taken for those of another', async () => {
      const answer = await expectRefused(
        () => call('POST', '/upstreams', registration({ issuer: app.issuer })),
        400,
        'invalid_request',
      );
      expect(answer.body.error_description).toContain('this provider itself');
    });

    it.each(['RS384', 'PS256', 'ES512', 'EdDSA'])('takes the algorithm %s', async (alg) => {
      const { body } = await call('POST', '/upstreams', registration({ id_token_signed_response_alg: alg }));
      expect(body.id_token_signed_response_alg).toBe(alg);
    });

    it.each(['none', 'private_key_jwt'])('needs no secret for %s', async (method) => {
      const { body } = await call(
        'POST',
        '/upstreams',
        registration({ token_endpoint_auth_method: method, client_secret: undefined }),
      );
      expect(body).toMatchObject({ token_endpoint_auth_method: method, has_secret: false });
    });

    it('answers 409 for a name, or an issuer with client_id, that is taken', async () => {
      await call('POST', '/upstreams', registration());
      const sameName = registration({ issuer: 'https://other.example.org' });
      await expectRefused(() => call('POST', '/upstreams', sameName), 409, 'conflict');
      const samePair = registration({ name: 'another' });
      await expectRefused(() => call('POST', '/upstreams', samePair), 409, 'conflict');
      expect((await call('POST', '/upstreams', registration({ name: 'another', client_id: 'b' }))).status).toBe(201);
      await expectRefused(() => call('PATCH', '/upstreams/another', { name: 'corporate' }), 409, 'conflict');
      await expectRefused(() => call('PATCH', '/upstreams/another', { client_id: 'exeunt' }), 409, 'conflict');
    });

    it('of twenty registrations of one name at once one wins', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          call('POST', '/upstreams', registration({ issuer: `https://op${n}.example.org` })),
        ),
      );
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
        201,
        ...Array<number>(19).fill(409),
      ]);
    });

    it('knows nothing of what is not registered', async () => {
      for (const name of ['nobody', 'exeunt', '__proto__']) {
        await expectRefused(() => call('GET', `/upstreams/${name}`), 404, 'not_found');
        await expectRefused(() => call('PATCH', `/upstreams/${name}`, { enabled: false }), 404, 'not_found');
        await expectRefused(() => call('DELETE', `/upstreams/${name}`), 404, 'not_found');
      }
    });
  });

  describe('lets nobody in but a live token with exeunt:admin (threat-model#other-peoples-sessions)', () => {
    it.each([
      ['GET', '/upstreams'],
      ['POST', '/upstreams'],
      ['GET', '/upstreams/corporate'],
      ['PATCH', '/upstreams/corporate'],
      ['DELETE', '/upstreams/corporate'],
      ['GET', '/organizations'],
      ['POST', '/organizations'],
      ['GET', '/organizations/acme'],
      ['PATCH', '/organizations/acme'],
      ['DELETE', '/organizations/acme'],
      ['GET', '/accounts/x/identities'],
      ['POST', '/accounts/x/identities'],
      ['DELETE', '/accounts/x/identities?issuer=a&sub=b'],
    ])('%s %s', async (method, path) => {
      await call('POST', '/upstreams', registration());
      const robot = await app.createClient({ grant_types: ['client_credentials'], scope: 'reports' });
      const { body } = await app.form('/token', { grant_type: 'client_credentials' }, robot);
      const before = await app.rowCounts();
      for (const [token, status] of [
        [undefined, 401],
        ['a.b.c', 401],
        [String(body.access_token), 403],
      ] as const) {
        const sent = method === 'GET' ? {} : { body: registration({ name: 'intruder' }) };
        const answer = await app.json(method, `/admin/v1${path}`, { token, ...sent });
        expect([token, answer.status]).toEqual([token, status]);
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
      }
      expect(await app.rowCounts()).toEqual(before);
    });
  });

  describe('the secret', () => {
    async function secretSentBy(client: TestClient, name: string): Promise<string | null | undefined> {
      const before = upstream.tokenRequests.length;
      await signInBy(app, upstream, client, name, upstream.subject());
      expect(upstream.tokenRequests).toHaveLength(before + 1);
      return upstream.tokenRequests.at(-1)?.get('client_secret');
    }

    it('is in no answer and no log', async () => {
      const secret = 'a-very-secret-word';
      const answers = [
        await call('POST', '/upstreams', registration({ client_secret: secret })),
        await call('GET', '/upstreams/corporate'),
        await call('GET', '/upstreams'),
        await call('PATCH', '/upstreams/corporate', { client_secret: `${secret}-too` }),
        await call('PATCH', '/upstreams/corporate', { client_secret: secret, name: 'Bad Name' }),
        await call('GET', '/audit-events'),
      ];
      for (const { text, body } of answers) {
        expect(text).not.toContain(secret);
        expect(body).not.toHaveProperty('client_secret');
      }
      expect(app.logger.lines.join('\n')).not.toContain(secret);
    });

    it('rests sealed: not as it is, not encoded, and never twice the same', async () => {
      const secret = 'a-very-secret-word';
      await call('POST', '/upstreams', registration({ client_secret: secret }));
      const first = await row('corporate');
      const sealed = String(first?.client_secret);
      for (const text of [secret, ...(['base64', 'base64url', 'hex'] as const).map((e) => encoded(secret, e))])
        expect(JSON.stringify(first)).not.toContain(text);
      expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain(secret);
      await call('PATCH', '/upstreams/corporate', { client_secret: 'another' });
      const second = String((await row('corporate'))?.client_secret);
      expect(second).not.toBe(sealed);
      await call('PATCH', '/upstreams/corporate', { client_secret: secret });
      expect([sealed, second]).not.toContain(String((await row('corporate'))?.client_secret));
    });

    it('is what the token endpoint is shown; a PATCH without it keeps it, one with it replaces it', async () => {
      const client = await app.createClient();
      const name = await upstream.register(app, { token_endpoint_auth_method: 'client_secret_post' });
      expect(await secretSentBy(client, name)).toBe(upstream.clientSecret);
      const patched = await call('PATCH', `/upstreams/${name}`, { display_name: 'Renamed' });
      expect(patched.body).toMatchObject({ display_name: 'Renamed', has_secret: true });
      expect(await secretSentBy(client, name)).toBe(upstream.clientSecret);
      await call('PATCH', `/upstreams/${name}`, { client_secret: 'the next one' });
      expect(await secretSentBy(client, name)).toBe('the next one');
    });

    it('cannot be taken away by null where the method needs it', async () => {
      await call('POST', '/upstreams', registration());
      const before = await row('corporate');
      await expectRefused(() => call('PATCH', '/upstreams/corporate', { client_secret: null }), 400, 'invalid_request');
      expect(await row('corporate')).toEqual(before);
    });

    it('is asked for when the method comes to need one', async () => {
      const body = registration({ token_endpoint_auth_method: 'none', client_secret: undefined });
      await call('POST', '/upstreams', body);
      const change = { token_endpoint_auth_method: 'client_secret_basic' };
      await expectRefused(() => call('PATCH', '/upstreams/corporate', change), 400, 'invalid_request');
      expect((await call('PATCH', '/upstreams/corporate', { ...change, client_secret: 's' })).body).toMatchObject({
        ...change,
        has_secret: true,
      });
    });
  });

  describe('PATCH', () => {
    it('changes what it names and leaves the rest', async () => {
      const { body: before } = await call('POST', '/upstreams', registration({ clients: ['ledger'], scope: 'email' }));
      app.clock.advance(1000);
      const { status, body } = await call('PATCH', '/upstreams/corporate', { enabled: false });
      expect(status).toBe(200);
      expect(body).toEqual({ ...before, enabled: false, updated_at: app.clock.now().toISOString() });
      expect((await call('PATCH', '/upstreams/corporate', {})).body).toMatchObject({
        enabled: false,
        scope: 'openid email',
      });
    });

    it('renames: the old name is gone, and the addresses to register follow', async () => {
      await call('POST', '/upstreams', registration());
      const { body } = await call('PATCH', '/upstreams/corporate', { name: 'renamed' });
      expect(body).toMatchObject({ name: 'renamed', callback_uri: `${app.issuer}/upstreams/renamed/callback` });
      expect((await call('GET', '/upstreams/corporate')).status).toBe(404);
    });

    it('takes null for what may be absent', async () => {
      const uri = 'https://kibana.example.com/cb';
      await call('POST', '/upstreams', registration({ redirect_uri: uri, post_logout_redirect_uri: uri, clients: [] }));
      const absent = { redirect_uri: null, post_logout_redirect_uri: null, clients: null };
      expect((await call('PATCH', '/upstreams/corporate', absent)).body).toMatchObject(absent);
    });

    it.each([
      { name: 'exeunt' },
      { name: null },
      { issuer: 'https://login.example.org#a' },
      { issuer: 'http://login.example.org' },
      { scope: null },
      { client_secret: null },
      { claim_mapping: { groups: 'g' } },
      { id_token_signed_response_alg: 'none' },
      { id_token_signed_response_alg: 'HS256' },
      { dialects: ['saml'] },
      { dialects: null },
      { enabled: null },
      { redirect_uri: 'javascript:alert(1)' },
      { has_secret: false },
    ])('refuses %j and changes nothing', async (change) => {
      await call('POST', '/upstreams', registration());
      const before = await row('corporate');
      await expectRefused(() => call('PATCH', '/upstreams/corporate', change), 400, 'invalid_request');
      expect(await row('corporate')).toEqual(before);
    });

    it('refuses our own issuer', async () => {
      await call('POST', '/upstreams', registration());
      const change = { issuer: app.issuer };
      await expectRefused(() => call('PATCH', '/upstreams/corporate', change), 400, 'invalid_request');
    });

    it('of another issuer forgets what the old one published, and asks the new one', async () => {
      const client = await app.createClient();
      const other = await StubUpstream.start(app.clock);
      const name = await upstream.register(app);
      await leave(app, client, name);
      expect((await row(name))?.metadata).toMatchObject({ issuer: upstream.issuer });
      await call('PATCH', `/upstreams/${name}`, { display_name: 'Same issuer' });
      expect((await row(name))?.metadata).toMatchObject({ issuer: upstream.issuer });
      await call('PATCH', `/upstreams/${name}`, { issuer: other.issuer });
      expect(await row(name)).toMatchObject({ metadata: null, metadata_at: null });
      const { location } = await leave(app, client, name);
      expect(location).toContain(`${other.origin}/authorize`);
      await other.stop();
    });
  });

  it('writes each change to the audit record, with who made it and without a secret', async () => {
    await call('POST', '/upstreams', registration());
    await call('PATCH', '/upstreams/corporate', { client_secret: 'other-secret' });
    await call('PATCH', '/upstreams/corporate', { enabled: 'no' });
    await call('DELETE', '/upstreams/corporate');
    const [deleted, changed, registered] = await auditEvents();
    const details = { upstream: 'corporate', operator: 'test-admin' };
    expect(registered).toMatchObject({ outcome: 'done', details: { ...details, change: 'registered' } });
    expect(changed).toMatchObject({ outcome: 'done', details: { ...details, change: 'changed' } });
    expect(deleted).toMatchObject({ outcome: 'done', details: { ...details, change: 'deleted' } });
    const told = JSON.stringify([deleted, changed, registered]);
    for (const secret of [String(registration().client_secret), 'other-secret']) expect(told).not.toContain(secret);
  });

  it('neither registers nor changes what cannot be put on record', async () => {
    await call('POST', '/upstreams', registration({ name: 'kept' }));
    const before = await row('kept');
    await app.db.query('ALTER TABLE audit_events RENAME TO audit_events_away');
    const refused = [
      await call('POST', '/upstreams', registration({ name: 'off-the-record', client_id: 'another' })),
      await call('PATCH', '/upstreams/kept', { display_name: 'Changed' }),
    ];
    await app.db.query('ALTER TABLE audit_events_away RENAME TO audit_events');
    expect(refused.map(({ status }) => status)).toEqual([503, 503]);
    expect([await row('off-the-record'), await row('kept')]).toEqual([undefined, before]);
  });

  describe('DELETE', () => {
    it('ends the sessions that began by it, tells their applications, and leaves everybody else', async () => {
      const client = await clientOf(app, party);
      const name = await upstream.register(app);
      const { account, browser, tokens } = await personBy(client, name);
      const local = await app.createAccount();
      const localBrowser = app.browser();
      const localTokens = await app.signInTo(localBrowser, client, local.login);
      expect((await call('DELETE', `/upstreams/${name}`)).status).toBe(204);
      expect((await call('GET', `/upstreams/${name}`)).status).toBe(404);
      expect(await app.isActive(client, tokens.access_token)).toBe(false);
      expect((await app.refresh(client, tokens.refresh_token)).status).toBe(400);
      expect(await promptNone(app, browser, client)).toBe('login_required');
      expect(await app.isActive(client, localTokens.access_token)).toBe(true);
      expect(await promptNone(app, localBrowser, client)).toBe('code');
      await app.sendDue();
      expect(await deliveriesTo(app, client.clientId)).toMatchObject([{ sub: account, state: 'delivered' }]);
      const { body } = await call('GET', `/terminations?account_id=${account}`);
      expect(body.items).toMatchObject([
        { cause: 'upstream_deleted', sessions: 1, deliveries: 1, initiator: { kind: 'operator' } },
      ]);
      expect((await call('GET', `/accounts/${account}`)).status).toBe(200);
    });

    it('ends what was allowed for when nobody is there, also where the session was over before', async () => {
      const client = await clientOf(app, party);
      const name = await upstream.register(app);
      const { account, browser, tokens } = await personBy(client, name);
      await app.db.query('UPDATE grants SET offline = true WHERE account_id = $1', [account]);
      await signOut(browser);
      const { status, body } = await app.refresh(client, tokens.refresh_token);
      expect(status).toBe(200);
      expect((await call('DELETE', `/upstreams/${name}`)).status).toBe(204);
      expect((await app.refresh(client, String(body.refresh_token))).status).toBe(400);
      expect(await app.db.query('SELECT revoked_cause FROM grants WHERE account_id = $1', [account])).toEqual([
        { revoked_cause: 'upstream_deleted' },
      ]);
    });

    it('answers 409 while an organization points at it, and nobody is signed out', async () => {
      const client = await app.createClient();
      const name = await upstream.register(app);
      const { browser, tokens } = await personBy(client, name);
      await call('POST', '/organizations', { id: 'acme', upstream: name });
      await expectRefused(() => call('DELETE', `/upstreams/${name}`), 409, 'conflict');
      expect(await app.isActive(client, tokens.access_token)).toBe(true);
      expect(await promptNone(app, browser, client)).toBe('code');
      await call('DELETE', '/organizations/acme');
      expect((await call('DELETE', `/upstreams/${name}`)).status).toBe(204);
    });

    it('is known to the other nodes', async () => {
      const node = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
      const read = operator(node, await app.adminToken());
      await call('POST', '/upstreams', registration());
      await vi.waitUntil(async () => (await read('GET', '/upstreams/corporate')).status === 200, PATIENCE);
      await call('DELETE', '/upstreams/corporate');
      await vi.waitUntil(async () => (await read('GET', '/upstreams/corporate')).status === 404, PATIENCE);
      await node.stop();
    });
  });

  async function personBy(client: TestClient, name: string, subject = upstream.subject()) {
    const signedIn = await signInBy(app, upstream, client, name, subject);
    const [session] = await app.db.query<{ account_id: string }>(
      'SELECT s.account_id FROM sessions s JOIN session_upstreams u ON u.session_id = s.id WHERE u.sub = $1',
      [subject.sub],
    );
    return { ...signedIn, subject, account: session?.account_id ?? '' };
  }

  describe('/admin/v1/organizations', () => {
    const defaults = async (): Promise<unknown[]> =>
      ((await call('GET', '/organizations')).body.items as Item[])
        .filter((organization) => organization.default)
        .map(({ id }) => id);

    it('creates, reads, lists by id, changes, deletes', async () => {
      await call('POST', '/upstreams', registration());
      const created = await call('POST', '/organizations', { id: 'zeta', name: 'Zeta', upstream: 'corporate' });
      expect([created.status, created.body]).toEqual([
        201,
        { id: 'zeta', name: 'Zeta', upstream: 'corporate', default: false },
      ]);
      await call('POST', '/organizations', { id: 'acme' });
      expect((await call('GET', '/organizations')).body.items).toMatchObject([
        { id: 'acme', name: 'acme', upstream: null },
        { id: 'zeta' },
      ]);
      const patched = await call('PATCH', '/organizations/zeta', { name: 'Zeta Inc.' });
      expect(patched.body).toEqual({ id: 'zeta', name: 'Zeta Inc.', upstream: 'corporate', default: false });
      expect((await call('PATCH', '/organizations/zeta', { upstream: null })).body.upstream).toBeNull();
      expect((await call('GET', '/organizations/zeta')).body.upstream).toBeNull();
      expect((await call('DELETE', '/organizations/zeta')).status).toBe(204);
      await expectRefused(() => call('GET', '/organizations/zeta'), 404, 'not_found');
      await expectRefused(() => call('PATCH', '/organizations/zeta', { name: 'x' }), 404, 'not_found');
      await expectRefused(() => call('DELETE', '/organizations/zeta'), 404, 'not_found');
    });

    it.each([
      ['no id', {}],
      ['an empty id', { id: '' }],
      ['an id with a slash', { id: 'a/b' }],
      ['an id of 101 characters', { id: 'a'.repeat(101) }],
      ['an upstream that is not registered', { id: 'acme', upstream: 'nobody' }],
      ['our own realm as upstream', { id: 'acme', upstream: 'exeunt' }],
      ['an empty name', { id: 'acme', name: '' }],
      ['a default that is a text', { id: 'acme', default: 'yes' }],
      ['a member that nobody knows', { id: 'acme', realm: 'x' }],
    ])('refuses %s', async (_what, body) => {
      await expectRefused(() => call('POST', '/organizations', body), 400, 'invalid_request');
    });

    it('answers 409 for an id that is taken', async () => {
      await call('POST', '/organizations', { id: 'acme', default: true });
      await expectRefused(() => call('POST', '/organizations', { id: 'acme', default: true }), 409, 'conflict');
      expect(await defaults()).toEqual(['acme']);
    });

    it('has one default: a new one takes the place of the old, by POST and by PATCH', async () => {
      await call('POST', '/organizations', { id: 'acme', default: true });
      await call('POST', '/organizations', { id: 'zeta', default: true });
      expect(await defaults()).toEqual(['zeta']);
      await call('PATCH', '/organizations/acme', { default: true });
      expect(await defaults()).toEqual(['acme']);
      await call('PATCH', '/organizations/acme', { name: 'Still the default' });
      expect(await defaults()).toEqual(['acme']);
      await call('PATCH', '/organizations/acme', { default: false });
      expect(await defaults()).toEqual([]);
    });

    it('has one default also when many are made at once', async () => {
      const ids = Array.from({ length: 10 }, (_, n) => `org-${n}`);
      const created = await Promise.all(ids.map((id) => call('POST', '/organizations', { id, default: true })));
      expect(created.map(({ status }) => status)).toEqual(ids.map(() => 201));
      expect(await defaults()).toHaveLength(1);
      const patched = await Promise.all(ids.map((id) => call('PATCH', `/organizations/${id}`, { default: true })));
      expect(patched.map(({ status }) => status)).toEqual(ids.map(() => 200));
      expect(await defaults()).toHaveLength(1);
    });
  });

  describe('/admin/v1/accounts/{id}/identities', () => {
    const path = (account: { readonly id: string }): string => `/accounts/${account.id}/identities`;
    const query = (subject: UpstreamSubject, issuer = upstream.issuer): string =>
      `?${new URLSearchParams({ issuer, sub: subject.sub })}`;

    async function linked(subject = upstream.subject()): Promise<{ account: TestAccount; subject: UpstreamSubject }> {
      const account = await app.createAccount();
      const { status } = await call('POST', path(account), { issuer: upstream.issuer, sub: subject.sub });
      expect(status).toBe(201);
      return { account, subject };
    }

    it('links a person, who then signs in to that account', async () => {
      const client = await app.createClient();
      const name = await upstream.register(app, { creates_accounts: false });
      const { account, subject } = await linked();
      expect((await call('GET', path(account))).body).toEqual({
        items: [{ issuer: upstream.issuer, sub: subject.sub, linked_at: app.clock.now().toISOString() }],
      });
      expect((await personBy(client, name, subject)).account).toBe(account.id);
    });

    it('links a person to one account only: 409, and the first link stands', async () => {
      const { account, subject } = await linked();
      const other = await app.createAccount();
      for (const wanted of [account, other]) {
        const body = { issuer: upstream.issuer, sub: subject.sub };
        await expectRefused(() => call('POST', path(wanted), body), 409, 'conflict');
      }
      expect((await call('GET', path(other))).body).toEqual({ items: [] });
    });

    it.each([
      {},
      { issuer: 'https://login.example.org' },
      { sub: 's' },
      { issuer: '', sub: 's' },
      { issuer: 'a', sub: 7 },
    ])('refuses to link by %j', async (body) => {
      const account = await app.createAccount();
      await expectRefused(() => call('POST', path(account), body), 400, 'invalid_request');
    });

    it('knows no account that is not there', async () => {
      for (const id of ['x', '0197f4a2-7c1e-7c3b-9a51-0b8e4b7a8a10']) {
        const body = { issuer: upstream.issuer, sub: 'somebody' };
        await expectRefused(() => call('GET', path({ id })), 404, 'not_found');
        await expectRefused(() => call('POST', path({ id }), body), 404, 'not_found');
        const url = `${path({ id })}?${new URLSearchParams(body)}`;
        await expectRefused(() => call('DELETE', url), 404, 'not_found');
      }
    });

    it('unlinks, and ends the sessions that the person began by it, and no other of the account', async () => {
      const client = await clientOf(app, party);
      const name = await upstream.register(app);
      const { account, subject } = await linked();
      const byUpstream = await personBy(client, name, subject);
      const byPassword = await app.signInTo(app.browser(), client, account.login);
      expect((await call('DELETE', path(account) + query(subject))).status).toBe(204);
      expect(await app.isActive(client, byUpstream.tokens.access_token)).toBe(false);
      expect(await promptNone(app, byUpstream.browser, client)).toBe('login_required');
      expect(await app.isActive(client, byPassword.access_token)).toBe(true);
      expect((await call('GET', path(account))).body).toEqual({ items: [] });
      const { body } = await call('GET', `/terminations?account_id=${account.id}`);
      expect(body.items).toMatchObject([{ cause: 'admin', sessions: 1, initiator: { kind: 'operator' } }]);
    });

    it.each<[string, (account: TestAccount, other: TestAccount, subject: UpstreamSubject) => string]>([
      ['another account', (_account, other, subject) => path(other) + query(subject)],
      ['another issuer', (account, _other, subject) => path(account) + query(subject, 'https://other.example.org')],
      ['another person', (account) => path(account) + query(upstream.subject())],
    ])('answers 404 to unlink by %s, and nothing ends', async (_what, url) => {
      const client = await app.createClient();
      const name = await upstream.register(app);
      const { account, subject } = await linked();
      const { browser, tokens } = await personBy(client, name, subject);
      const other = await app.createAccount();
      await expectRefused(() => call('DELETE', url(account, other, subject)), 404, 'not_found');
      expect(await app.isActive(client, tokens.access_token)).toBe(true);
      expect(await promptNone(app, browser, client)).toBe('code');
    });

    it('refuses to unlink what it is not told, and what it is told twice', async () => {
      const { account, subject } = await linked();
      for (const wrong of ['', `?issuer=${encodeURIComponent(upstream.issuer)}`, `${query(subject)}&sub=other`])
        await expectRefused(() => call('DELETE', path(account) + wrong), 400, 'invalid_request');
    });
  });
});

function encoded(text: string, encoding: BufferEncoding): string {
  // Without the padding and the last characters, which depend on what follows.
  return Buffer.from(text).toString(encoding).slice(0, -4);
}
