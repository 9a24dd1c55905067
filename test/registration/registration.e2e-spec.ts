import { TestApp, type Answer } from '../support/app.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';

const CALLBACK = 'https://app.example.com/cb';

describe('RFC 7591 and RFC 7592 at /register', () => {
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start();
    token = await app.adminToken();
  });
  afterAll(() => app.stop());

  const register = (body: unknown): Promise<Answer> => app.json('POST', '/register', { token, body });
  const registered = async (body: Record<string, unknown> = {}): Promise<Record<string, string>> => {
    const answer = await register({ redirect_uris: [CALLBACK], ...body });
    expect(answer.status).toBe(201);
    return answer.body as Record<string, string>;
  };

  it('answers 201 with everything that was registered, defaults included, and secrets once (RFC 7591 §3.2.1)', async () => {
    const answer = await register({
      redirect_uris: [CALLBACK],
      client_name: 'Ledger',
      unknown_member: 1,
      logo_uri: null,
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toMatchObject({
      client_id: expect.any(String),
      client_secret: expect.stringMatching(/^[\w-]{43}$/),
      client_secret_expires_at: 0,
      registration_access_token: expect.any(String),
      registration_client_uri: `${app.issuer}/register/${String(answer.body.client_id)}`,
      redirect_uris: [CALLBACK],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'RS256',
      application_type: 'web',
    });
    expect(answer.body).not.toHaveProperty('unknown_member');
    const [row] = await app.db.query('SELECT * FROM clients WHERE client_id = $1', [answer.body.client_id]);
    expect(JSON.stringify(row)).not.toContain(String(answer.body.client_secret));
    expect(JSON.stringify(row)).not.toContain(String(answer.body.registration_access_token));
  });

  it.each([
    ['with a fragment', 'https://app.example.com/cb#x'],
    ['that runs in the browser', 'javascript:alert(1)'],
    ['that carries content', 'data:text/html,x'],
    ['with a wildcard', 'https://*.example.com/cb'],
    ['by plain http', 'http://app.example.com/cb'],
    ['with a user name', 'https://app@evil.example.com/cb'],
    ['without a scheme', '//app.example.com/cb'],
    ['with a backslash', 'https://app.example.com\\@evil.example.com'],
    ['with a line break', 'https://app.example.com/\r\ncb'],
    ['of a private-use scheme for a web client', 'com.example.app:/cb'],
    ['that is no URI', 'app'],
  ])('refuses a redirect URI %s, for both lists', async (_what, uri) => {
    const before = await app.rowCounts();
    for (const body of [{ redirect_uris: [uri] }, { redirect_uris: [CALLBACK], post_logout_redirect_uris: [uri] }]) {
      const answer = await register(body);
      expect(answer.status).toBe(400);
      expect(answer.body.error).toBe('invalid_redirect_uri');
      expect(answer.text).not.toContain(uri);
    }
    expect(await app.rowCounts()).toEqual(before);
  });

  it.each(['http://127.0.0.1:4000/cb', 'http://localhost:4000/cb', 'http://[::1]:4000/cb'])(
    'takes the loopback URI %s for every kind of client',
    async (uri) => {
      for (const kind of [{}, { application_type: 'native' }, { token_endpoint_auth_method: 'none' }]) {
        expect((await register({ redirect_uris: [uri], post_logout_redirect_uris: [uri], ...kind })).status).toBe(201);
      }
    },
  );

  it('takes a private-use scheme for a native client (RFC 8252 §7.1)', async () => {
    await registered({ application_type: 'native', redirect_uris: ['com.example.app:/cb'] });
  });

  it.each([
    [['id_token'], ['code']],
    [['code id_token', 'code'], ['code']],
    [['token', 'id_token token'], ['code']],
  ])('drops the response types %j that are not offered, and says what was taken', async (sent, taken) => {
    const body = await registered({
      response_types: sent,
      grant_types: ['implicit', 'authorization_code', 'refresh_token'],
    });
    expect(body.response_types).toEqual(taken);
    expect(body.grant_types).toEqual(['authorization_code', 'refresh_token']);
  });

  it.each([
    ['no redirect URI', { redirect_uris: undefined }, 'invalid_redirect_uri'],
    ['jwks and jwks_uri', { jwks: { keys: [] }, jwks_uri: 'https://app.example.com/jwks' }, 'invalid_client_metadata'],
    [
      'a private key',
      { jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'a', y: 'b', d: 'c' }] } },
      'invalid_client_metadata',
    ],
    ['a symmetric key', { jwks: { keys: [{ kty: 'oct', k: 'a' }] } }, 'invalid_client_metadata'],
    ['private_key_jwt without keys', { token_endpoint_auth_method: 'private_key_jwt' }, 'invalid_client_metadata'],
    [
      'a front-channel URI of a foreign origin',
      { frontchannel_logout_uri: 'https://evil.example.com/out' },
      'invalid_client_metadata',
    ],
    [
      'a back-channel URI with a fragment',
      { backchannel_logout_uri: 'https://app.example.com/out#x' },
      'invalid_client_metadata',
    ],
    ['a login URI without TLS', { initiate_login_uri: 'http://app.example.com/login' }, 'invalid_client_metadata'],
    ['a logo that is a script', { logo_uri: 'javascript:alert(1)' }, 'invalid_client_metadata'],
    ['an algorithm none', { id_token_signed_response_alg: 'none' }, 'invalid_client_metadata'],
    ['pairwise subjects', { subject_type: 'pairwise' }, 'invalid_client_metadata'],
    ['encrypted userinfo', { userinfo_encrypted_response_alg: 'RSA-OAEP' }, 'invalid_client_metadata'],
    ['userinfo signed with none', { userinfo_signed_response_alg: 'none' }, 'invalid_client_metadata'],
    ['userinfo signed with a secret', { userinfo_signed_response_alg: 'HS256' }, 'invalid_client_metadata'],
    ['ID token claims of another kind', { id_token_claims: 'all' }, 'invalid_client_metadata'],
    ['encrypted ID tokens', { id_token_encrypted_response_alg: 'RSA-OAEP' }, 'invalid_client_metadata'],
    [
      'client credentials of a public client',
      { grant_types: ['client_credentials'], token_endpoint_auth_method: 'none' },
      'invalid_client_metadata',
    ],
    ['a NUL', { client_name: 'a\u0000b' }, 'invalid_client_metadata'],
  ])('refuses %s', async (_what, metadata, error) => {
    const before = await app.rowCounts();
    const answer = await register({ redirect_uris: [CALLBACK], ...metadata });
    expect([answer.status, answer.body.error]).toEqual([400, error]);
    expect(await app.rowCounts()).toEqual(before);
  });

  it.each([['[]'], ['"text"'], ['7'], ['null']])('refuses the body %s', async (body) => {
    const response = await fetch(`${app.issuer}/register`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body,
    });
    expect(response.status).toBe(400);
  });

  it('privilege escalation: a client cannot make itself first-party, a resource server, or an administrator', async () => {
    const body = await registered({
      skip_consent: true,
      skip_logout_confirmation: true,
      resource_server: true,
      audience: ['https://api.example.com'],
      scope: 'openid exeunt:admin exeunt:register',
      grant_types: ['authorization_code', 'client_credentials'],
    });
    expect(body).toMatchObject({
      skip_consent: false,
      skip_logout_confirmation: false,
      resource_server: false,
      audience: [],
      scope: 'openid',
    });
    const client = { clientId: body.client_id ?? '', clientSecret: body.client_secret ?? '' };
    const answer = await app.form('/token', { grant_type: 'client_credentials', scope: 'exeunt:admin' }, client);
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_scope']);
  });

  describe('with the registration access token (RFC 7592)', () => {
    const own = (client: Record<string, string>, method: string, body?: unknown) =>
      app.json(method, `/register/${client.client_id}`, {
        token: client.registration_access_token,
        ...(body === undefined ? {} : { body }),
      });

    it('reads, replaces and keeps what only administrators set', async () => {
      const client = await registered({ client_name: 'Before' });
      await app.json('PATCH', `/admin/v1/clients/${client.client_id}`, { token, body: { skip_consent: true } });
      expect((await own(client, 'GET')).body).toMatchObject({ client_name: 'Before', redirect_uris: [CALLBACK] });
      const changes = { redirect_uris: [CALLBACK], contacts: ['ops@example.com'], default_max_age: 60 };
      const replaced = await own(client, 'PUT', { client_id: client.client_id, ...changes });
      expect(replaced.status).toBe(200);
      expect(replaced.body).toMatchObject({ ...changes, skip_consent: true });
      expect(replaced.body).not.toHaveProperty('client_name');
    });

    const CHOICES = {
      skip_consent: true,
      skip_logout_confirmation: true,
      resource_server: true,
      audience: ['https://api.example.com'],
      permissions: ['manage_oidc'],
    };
    const vetted = async (): Promise<{ client: Record<string, string>; body: Record<string, unknown> }> => {
      const body = { client_name: 'Ledger', redirect_uris: [CALLBACK, `${CALLBACK}2`] };
      const client = await registered(body);
      await app.json('PATCH', `/admin/v1/clients/${client.client_id}`, { token, body: CHOICES });
      return { client, body: { client_id: client.client_id, ...body } };
    };

    it.each<[string, Record<string, unknown>]>([
      ['where answers go', { redirect_uris: [CALLBACK, 'https://evil.example/cb'] }],
      ['where a browser goes after logout', { post_logout_redirect_uris: ['https://evil.example/bye'] }],
      ['how it proves who it is', { token_endpoint_auth_method: 'none' }],
      ['its keys', { jwks_uri: 'https://evil.example/jwks' }],
      [
        'its keys by value',
        { jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] } },
      ],
      ['what it may do', { grant_types: ['authorization_code', 'refresh_token'] }],
      ['its name', { client_name: 'Your bank' }],
      ['its logo', { logo_uri: 'https://evil.example/bank.png' }],
      ['where it is told', { backchannel_logout_uri: 'https://evil.example/logout' }],
    ])(
      'a client that changes %s loses what an administrator had given to the one that was looked at',
      async (_what, change) => {
        const { client, body } = await vetted();
        const replaced = await own(client, 'PUT', { ...body, ...change });
        expect(replaced.status).toBe(200);
        const plain = {
          skip_consent: false,
          skip_logout_confirmation: false,
          resource_server: false,
          audience: [],
          permissions: [],
        };
        expect(replaced.body).toMatchObject({ ...change, ...plain });
        // Going back to what it was does not bring them back: somebody has to look again.
        expect((await own(client, 'PUT', body)).body).toMatchObject(plain);
      },
    );

    it('keeps them when it gives something up', async () => {
      const { client, body } = await vetted();
      const less = { ...body, client_name: undefined, redirect_uris: [CALLBACK] };
      expect((await own(client, 'PUT', less)).body).toMatchObject({ redirect_uris: [CALLBACK], ...CHOICES });
    });

    it.each([
      [{}, 'client_id'],
      [{ client_id: 'another' }, 'client_id'],
      [{ registration_access_token: 'x' }, 'registration_access_token'],
      [{ client_secret: 'not-the-secret' }, 'client_secret'],
    ])('refuses an update with %j', async (members, named) => {
      const client = await registered();
      const body = {
        redirect_uris: [`${CALLBACK}2`],
        ...(named === 'client_id' ? {} : { client_id: client.client_id }),
        ...members,
      };
      const answer = await own(client, 'PUT', body);
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client_metadata']);
      expect((await own(client, 'GET')).body.redirect_uris).toEqual([CALLBACK]);
    });

    it('is 401 for a wrong token, an unknown client and a deleted one (§2.1)', async () => {
      const [client, other] = [await registered(), await registered()];
      const stranger = { ...client, registration_access_token: other.registration_access_token ?? '' };
      for (const method of ['GET', 'DELETE']) expect((await own(stranger, method)).status).toBe(401);
      expect((await own({ ...client, client_id: 'nobody' }, 'GET')).status).toBe(401);
      expect((await own(client, 'DELETE')).status).toBe(204);
      expect((await own(client, 'GET')).status).toBe(401);
    });

    it('ends the grants of a client that deletes itself, and tells it (§2.3)', async () => {
      const party = await StubRelyingParty.start();
      const body = await registered({
        redirect_uris: [party.redirectUri],
        backchannel_logout_uri: party.backchannelLogoutUri,
        grant_types: ['authorization_code', 'refresh_token'],
      });
      const client = {
        clientId: body.client_id ?? '',
        clientSecret: body.client_secret ?? '',
        redirectUri: party.redirectUri,
      };
      const reader = await app.createClient({ resource_server: true });
      const { login } = await app.createAccount();
      const tokens = await app.signInTo(app.browser(), client, login);
      expect(await app.isActive(reader, tokens.access_token)).toBe(true);
      expect((await own(body, 'DELETE')).status).toBe(204);
      expect(await app.isActive(reader, tokens.access_token)).toBe(false);
      expect((await app.refresh(client, tokens.refresh_token)).status).toBe(401);
      await party.waitFor(1);
      await party.stop();
    });
  });
});

describe('who may register (RFC 7591 §3)', () => {
  const body = { redirect_uris: [CALLBACK] };

  it('token: the initial access token, an admin token or one with exeunt:register, and nobody else', async () => {
    const app = await TestApp.start({ initialAccessToken: 'an-initial-access-token' });
    const registrar = await app.createClient({ grant_types: ['client_credentials'], scope: 'exeunt:register other' });
    const tokenFor = async (scope: string) =>
      String((await app.form('/token', { grant_type: 'client_credentials', scope }, registrar)).body.access_token);
    for (const token of ['an-initial-access-token', await app.adminToken(), await tokenFor('exeunt:register')]) {
      expect((await app.json('POST', '/register', { token, body })).status).toBe(201);
    }
    const before = await app.rowCounts();
    const without = await app.json('POST', '/register', { body });
    expect([without.status, without.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="exeunt"']);
    expect((await app.json('POST', '/register', { token: 'wrong', body })).status).toBe(401);
    expect((await app.json('POST', '/register', { token: await tokenFor('other'), body })).status).toBe(403);
    expect(await app.rowCounts()).toEqual(before);
    await app.stop();
  });

  it('open: anybody; off: nobody', async () => {
    const open = await TestApp.start({ registration: 'open' });
    expect((await open.json('POST', '/register', { body })).status).toBe(201);
    await open.stop();
    const off = await TestApp.start({ registration: 'off' });
    expect((await off.json('POST', '/register', { token: await off.adminToken(), body })).status).toBe(404);
    expect((await off.json('GET', '/.well-known/openid-configuration')).body).not.toHaveProperty(
      'registration_endpoint',
    );
    await off.stop();
  });
});
