import { exportJWK, generateKeyPair } from 'jose';
import { ADMIN, TestApp, type Answer, type TestClient, type Tokens } from '../support/app.js';
import { pagesDuring } from '../support/pages.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { redeem } from '../tokens/token-requests.js';

const CODE_AND_REFRESH = ['authorization_code', 'refresh_token'];
const MACHINE = { grant_types: ['client_credentials'], redirect_uris: [], scope: 'reports other' };
const GRANT = { grant_type: 'client_credentials' };

/** What is taken from a client is taken from all that it has: on every node, at once, and for good. */
describe('what is taken from a client', () => {
  let app: TestApp;
  let other: TestApp;
  let token: string;
  let reader: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
    token = await app.adminToken();
    reader = await app.createClient({ resource_server: true });
  });
  afterAll(async () => {
    await other.stop();
    await app.stop();
  });

  const admin = (method: string, client: TestClient, body?: object, more = ''): Promise<Answer> =>
    app.json(method, `/admin/v1/clients/${client.clientId}${more}`, { token, ...(body === undefined ? {} : { body }) });
  async function patch(client: TestClient, body: object): Promise<Answer> {
    const answer = await admin('PATCH', client, body);
    expect(answer.status).toBe(200);
    return answer;
  }
  async function aKey() {
    const { publicKey } = await generateKeyPair('ES256', { extractable: true });
    return exportJWK(publicKey);
  }
  const introspected = async (value: string, at = app): Promise<Record<string, unknown>> =>
    (await at.form('/introspect', { token: value }, reader)).body;

  describe('scopes', () => {
    const scope = 'openid email profile x:admin';

    async function signedIn(format: string): Promise<{ client: TestClient; tokens: Tokens }> {
      const client = await app.createClient({ scope, access_token_format: format });
      const { login } = await app.createAccount();
      return { client, tokens: await app.signInTo(app.browser(), client, login, { scope }) };
    }

    it.each(['jwt', 'opaque'])(
      'are gone from tokens that are out (%s), and from whatever a refresh brings',
      async (format) => {
        const { client, tokens } = await signedIn(format);
        await patch(client, { scope: 'openid' });
        for (const at of [app, other])
          expect(await introspected(tokens.access_token, at)).toMatchObject({ active: true, scope: 'openid' });
        expect((await app.form('/introspect', { token: tokens.refresh_token }, client)).body.scope).toBe('openid');
        const userinfo = await app.json('GET', '/userinfo', { token: tokens.access_token });
        expect(Object.keys(userinfo.body)).toEqual(['sub']);
        const asked = await app.refresh(client, tokens.refresh_token, { scope: 'x:admin' });
        expect([asked.status, asked.body.error]).toEqual([400, 'invalid_scope']);
        let refreshToken = tokens.refresh_token;
        for (let n = 0; n < 2; n += 1) {
          const { body } = await app.refresh(client, refreshToken);
          expect(body.scope).toBe('openid');
          expect(await introspected(String(body.access_token))).toMatchObject({ active: true, scope: 'openid' });
          refreshToken = String(body.refresh_token);
        }
      },
    );

    it('do not come back to a grant when the client gets them back', async () => {
      const { client, tokens } = await signedIn('jwt');
      await patch(client, { scope: 'openid profile' });
      await patch(client, { scope });
      expect((await introspected(tokens.access_token)).scope).toBe('openid profile');
      expect((await app.refresh(client, tokens.refresh_token)).body.scope).toBe('openid profile');
    });

    it('are those of what was granted after their return, however often they are taken and given', async () => {
      const client = await app.createClient({ scope });
      const { login } = await app.createAccount();
      const granted = async (): Promise<string> =>
        (await app.signInTo(app.browser(), client, login, { scope })).access_token;
      const tokens = [await granted()];
      for (const without of ['openid email', 'openid profile']) {
        await patch(client, { scope: without });
        tokens.push(await granted());
        await patch(client, { scope });
        tokens.push(await granted());
      }
      const scopes = await Promise.all(tokens.map(async (value) => (await introspected(value)).scope));
      expect(scopes).toEqual(['openid', 'openid', 'openid profile', 'openid profile', scope]);
      expect((await introspected(tokens.at(-1)!, other)).scope).toBe(scope);
    });

    it('are taken without touching a grant, however many there are', async () => {
      const { client, tokens } = await signedIn('jwt');
      const scopesOfGrants = (): Promise<unknown[]> =>
        app.db.query('SELECT DISTINCT scope FROM grants WHERE client_id = $1', [client.clientId]);
      const before = await scopesOfGrants();
      await app.db.query(
        `INSERT INTO grants (id, account_id, client_id, offline, scope, authenticated_at, amr, created_at, keep_until)
         SELECT gen_random_uuid(), g.account_id, g.client_id, false, g.scope, g.created_at, '{pwd}', g.created_at, g.keep_until
           FROM grants g, generate_series(1, 20000) WHERE g.client_id = $1`,
        [client.clientId],
      );
      const pages = await pagesDuring(app.db, async () => {
        await patch(client, { scope: 'openid' });
        // The statements are run once more to be read, and each event has its own id.
        await app.db.query('DELETE FROM audit_events');
      });
      expect(pages).toBeLessThan(400);
      expect(await scopesOfGrants()).toEqual(before);
      expect((await introspected(tokens.access_token)).scope).toBe('openid');
    });

    it('are gone from a repeated refresh, and from a code that is out', async () => {
      const { client, tokens } = await signedIn('opaque');
      expect((await app.refresh(client, tokens.refresh_token)).body.scope).toBe(scope);
      const code = await app.codeFor(app.browser(), client, (await app.createAccount()).login, { scope });
      await patch(client, { scope: 'openid' });
      const repeated = await app.refresh(client, tokens.refresh_token);
      expect(repeated.body.scope).toBe('openid');
      expect((await introspected(String(repeated.body.access_token))).scope).toBe('openid');
      expect((await redeem(app, client, code)).body.scope).toBe('openid');
    });

    it('without openid there are neither ID tokens nor claims any more', async () => {
      const { client, tokens } = await signedIn('jwt');
      await patch(client, { scope: 'profile' });
      expect((await app.json('GET', '/userinfo', { token: tokens.access_token })).status).toBe(403);
      expect((await app.refresh(client, tokens.refresh_token)).body).not.toHaveProperty('id_token');
    });

    it.each([
      [
        'PUT',
        async (client: TestClient) =>
          admin('PUT', client, { redirect_uris: [client.redirectUri], grant_types: CODE_AND_REFRESH, scope: 'openid' }),
      ],
      [
        'another node',
        async (client: TestClient) =>
          other.json('PATCH', `/admin/v1/clients/${client.clientId}`, { token, body: { scope: 'openid' } }),
      ],
    ])('also by %s', async (_how, change) => {
      const { client, tokens } = await signedIn('jwt');
      expect((await change(client)).status).toBe(200);
      expect((await introspected(tokens.access_token)).scope).toBe('openid');
    });
  });

  describe('a grant type', () => {
    it('refresh_token: no refresh any more, by no node, nor when it comes back', async () => {
      const client = await app.createClient({ scope: 'openid' });
      const tokens = await app.signInTo(app.browser(), client, (await app.createAccount()).login);
      await patch(client, { grant_types: ['authorization_code'] });
      expect((await app.refresh(client, tokens.refresh_token)).body.error).toBe('unauthorized_client');
      expect((await app.form('/introspect', { token: tokens.refresh_token }, client)).body).toEqual({ active: false });
      // Its session goes on, and so does what it has until that expires.
      expect(await app.isActive(reader, tokens.access_token)).toBe(true);
    });

    it('authorization_code: what people allowed it is over, it is told, and it stays over', async () => {
      const party = await StubRelyingParty.start();
      const client = await app.createClient({
        redirect_uris: [party.redirectUri],
        backchannel_logout_uri: party.backchannelLogoutUri,
        grant_types: [...CODE_AND_REFRESH, 'client_credentials'],
      });
      const { login } = await app.createAccount();
      const browser = app.browser();
      const tokens = await app.signInTo(browser, client, login);
      const code = await app.codeFor(browser, client, login);
      await patch(client, { grant_types: ['refresh_token', 'client_credentials'] });
      await party.waitFor(1);
      const refused = async (): Promise<void> => {
        expect(await introspected(tokens.access_token)).toEqual({ active: false });
        expect(await introspected(tokens.access_token, other)).toEqual({ active: false });
        expect((await app.refresh(client, tokens.refresh_token)).body.error).toBe('invalid_grant');
        expect((await redeem(app, client, code)).status).toBe(400);
      };
      await refused();
      await patch(client, { grant_types: CODE_AND_REFRESH });
      await refused();
      await party.stop();
    });

    it('client_credentials: its own tokens are dead, and stay so', async () => {
      const client = await app.createClient({ ...MACHINE, redirect_uris: ['http://127.0.0.1:9/cb'] });
      const own = await ownToken(client);
      await patch(client, { grant_types: ['authorization_code'] });
      expect(await introspected(own)).toEqual({ active: false });
      await patch(client, { grant_types: ['client_credentials'] });
      expect(await introspected(own)).toEqual({ active: false });
      expect((await introspected(await ownToken(client))).active).toBe(true);
    });
  });

  const ownToken = async (client: TestClient, at = app): Promise<string> =>
    String((await at.form('/token', GRANT, client)).body.access_token);

  describe('own tokens of a client from before, in the very same second, are dead', () => {
    const cases: [string, Record<string, unknown>, (client: TestClient) => Promise<unknown>][] = [
      ['its secret was rotated', {}, (client) => admin('POST', client, undefined, '/secret')],
      [
        'an administrator brought another secret',
        {},
        (client) => patch(client, { client_secret: 'another secret of 30 letters' }),
      ],
      ['it lost a scope', {}, (client) => patch(client, { scope: 'reports' })],
      [
        'it lost an audience',
        { audience: ['https://a.example', 'https://b.example'] },
        (client) => patch(client, { audience: ['https://b.example'] }),
      ],
      [
        'it was moved to keys',
        {},
        async (client) =>
          patch(client, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [await aKey()] } }),
      ],
      [
        'it was disabled and enabled again',
        {},
        async (client) => {
          await admin('POST', client, undefined, '/disable');
          await admin('POST', client, undefined, '/enable');
        },
      ],
    ];
    for (const format of ['jwt', 'opaque']) {
      it.each(cases)(`when %s (${format})`, async (_what, metadata, change) => {
        const client = await app.createClient({ ...MACHINE, ...metadata, access_token_format: format });
        const own = await ownToken(client);
        expect((await app.form('/introspect', { token: own }, client)).body.active).toBe(true);
        const bystander = await app.createClient(MACHINE);
        const untouched = await ownToken(bystander);
        await change(client);
        for (const at of [app, other]) {
          const resourceServer = await app.createClient({
            resource_server: true,
            audience: ['https://a.example', 'https://b.example'],
          });
          expect((await at.form('/introspect', { token: own }, resourceServer)).body).toEqual({ active: false });
        }
        expect((await introspected(untouched)).active).toBe(true);
      });
    }

    it('and open neither the admin API nor the Elasticsearch one', async () => {
      const client = await app.createClient({
        grant_types: ['client_credentials'],
        scope: 'exeunt:admin',
        permissions: ['manage_token'],
      });
      const own = await ownToken(client);
      expect((await app.json('GET', '/admin/v1/accounts', { token: own })).status).toBe(200);
      expect((await app.json('GET', '/_security/_authenticate', { token: own })).status).toBe(200);
      const { body } = await admin('POST', client, undefined, '/secret');
      expect((await app.json('GET', '/admin/v1/accounts', { token: own })).status).toBe(401);
      expect((await app.json('GET', '/_security/_authenticate', { token: own })).status).toBe(401);
      const next = await ownToken({ ...client, clientSecret: String(body.client_secret) });
      expect((await app.json('GET', '/admin/v1/accounts', { token: next })).status).toBe(200);
      await patch(client, { scope: 'reports' });
      expect((await app.json('GET', '/admin/v1/accounts', { token: next })).status).toBe(401);
    });

    it('also those that a node issued which had not heard of the new secret yet', async () => {
      const client = await app.createClient(MACHINE);
      // The other node knows it, and no notice reaches it: the row is changed behind its back.
      await ownToken(client, other);
      await app.db.query(
        'UPDATE clients SET secret_hash = NULL, token_generation = token_generation + 1 WHERE client_id = $1',
        [client.clientId],
      );
      const late = await ownToken(client, other);
      expect(await introspected(late)).toEqual({ active: false });
    });

    it('and live on when nothing was taken: a name, a key or a scope more', async () => {
      const [first, second] = [await aKey(), await aKey()];
      const keyed = await app.createClient({
        ...MACHINE,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [first] },
      });
      const generation = async (client: TestClient): Promise<unknown> =>
        (await app.db.query('SELECT token_generation FROM clients WHERE client_id = $1', [client.clientId]))[0];
      await patch(keyed, { jwks: { keys: [second, first] } });
      expect(await generation(keyed)).toEqual({ token_generation: 0 });
      await patch(keyed, { jwks: { keys: [second] } });
      expect(await generation(keyed)).toEqual({ token_generation: 1 });
      const client = await app.createClient(MACHINE);
      const own = await ownToken(client);
      await patch(client, {
        client_name: 'Renamed',
        scope: `${MACHINE.scope} more`,
        token_endpoint_auth_method: 'client_secret_post',
      });
      expect(await introspected(own)).toMatchObject({ active: true, scope: MACHINE.scope });
    });
  });

  describe('a redirect URI', () => {
    const uris = ['https://rp.example.org/cb', 'https://rp.example.org/other'];

    async function atSignIn(metadata: Record<string, unknown> = {}) {
      const client = await app.createClient({ redirect_uris: uris, ...metadata });
      const { login } = await app.createAccount();
      const browser = app.browser();
      const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
      return { client, login, browser, page };
    }

    it('that goes while somebody is at the sign-in page gets no code, and nobody is signed in for it', async () => {
      const { client, login, browser, page } = await atSignIn();
      await patch(client, { redirect_uris: [uris[1]] });
      const answer = await app.signIn(browser, page, login);
      expect([answer.status, answer.location]).toEqual([400, undefined]);
      expect(await app.db.query('SELECT 1 FROM grants WHERE client_id = $1', [client.clientId])).toEqual([]);
      expect((await browser.get('/account/sessions')).status).toBe(303);
    });

    it('that goes while somebody is at the consent page gets neither a code nor an error', async () => {
      for (const decision of ['allow', 'deny']) {
        const { client, login, browser, page } = await atSignIn({ skip_consent: false });
        const consent = await browser.follow(await app.signIn(browser, page, login));
        expect(consent.has('consent-submit')).toBe(true);
        await patch(client, { redirect_uris: [uris[1]] });
        const answer = await browser.submit(consent, 'consent-submit', { decision });
        expect([answer.status, answer.location]).toEqual([400, undefined]);
        expect(await app.db.query('SELECT 1 FROM grants WHERE client_id = $1', [client.clientId])).toEqual([]);
      }
    });

    it('that goes while somebody thinks about cancelling gets no error either', async () => {
      const { client, browser, page } = await atSignIn();
      await patch(client, { redirect_uris: [uris[1]] });
      const answer = await browser.submit(page, 'login-cancel');
      expect([answer.status, answer.location]).toEqual([400, undefined]);
    });

    it.each([
      ['named in the request', {}, uris],
      ['the only one, and not named', { redirect_uri: undefined }, uris.slice(0, 1)],
    ])('(%s) that goes while a code for it is out: the code is not redeemed', async (_what, request, registered) => {
      const client = await app.createClient({ redirect_uris: registered });
      const browser = app.browser();
      const { login } = await app.createAccount();
      const [code, kept] = [
        await app.codeFor(browser, client, login, request),
        await app.codeFor(browser, client, login, request),
      ];
      const fields = {
        grant_type: 'authorization_code',
        ...('redirect_uri' in request ? {} : { redirect_uri: uris[0] ?? '' }),
      };
      expect((await app.form('/token', { ...fields, code: kept }, client)).status).toBe(200);
      await patch(client, { redirect_uris: [uris[1]] });
      const answer = await app.form('/token', { ...fields, code }, client);
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant']);
    });

    it('that stays is answered to as before, on any port of a loopback address too', async () => {
      const loopback = 'http://127.0.0.1:49152/cb';
      const client = await app.createClient({
        redirect_uris: ['http://127.0.0.1/cb', ...uris],
        application_type: 'native',
      });
      const { login } = await app.createAccount();
      const browser = app.browser();
      const page = await browser.follow(await browser.get(app.authorizeUrl(client, { redirect_uri: loopback })));
      await patch(client, { redirect_uris: ['http://127.0.0.1/cb'] });
      await app.signIn(browser, page, login);
      const code = await app.codeFor(browser, client, login, { redirect_uri: loopback });
      const fields = { grant_type: 'authorization_code', code, redirect_uri: loopback };
      expect((await app.form('/token', fields, client)).status).toBe(200);
    });

    it('of a node that has not heard of its removal gets no code from there', async () => {
      const client = await app.createClient({ redirect_uris: uris });
      const { login } = await app.createAccount();
      const browser = app.browser();
      await app.signInTo(browser, client, login);
      await app.db.query(
        `UPDATE clients SET metadata = jsonb_set(metadata, '{redirect_uris}', '["https://rp.example.org/other"]') WHERE client_id = $1`,
        [client.clientId],
      );
      const answer = await browser.get(app.authorizeUrl(client, { prompt: 'none' }));
      expect(answer.query.get('code')).toBeNull();
    });
  });

  it('the code flow, while somebody is at the sign-in page: nobody is signed in for it', async () => {
    const client = await app.createClient();
    const { login } = await app.createAccount();
    const browser = app.browser();
    const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
    await patch(client, { grant_types: ['client_credentials'] });
    expect((await app.signIn(browser, page, login)).status).toBe(400);
    expect(await app.db.query('SELECT 1 FROM grants WHERE client_id = $1', [client.clientId])).toEqual([]);
  });

  it('a scope, while somebody is at the sign-in page: it is not granted', async () => {
    const client = await app.createClient({ scope: 'openid email' });
    const { login } = await app.createAccount();
    const browser = app.browser();
    const page = await browser.follow(await browser.get(app.authorizeUrl(client, { scope: 'openid email' })));
    await patch(client, { scope: 'openid' });
    await browser.follow(await app.signIn(browser, page, login));
    const code = await app.codeFor(browser, client, login, { scope: 'openid email' });
    expect((await redeem(app, client, code)).body.scope).toBe('openid');
    expect(await app.db.query('SELECT DISTINCT scope FROM grants WHERE client_id = $1', [client.clientId])).toEqual([
      { scope: 'openid' },
    ]);
  });

  describe('the secret, when a client proves itself in another way', () => {
    const secretDoor = async (client: TestClient): Promise<Record<string, number>> => {
      const browser = app.browser();
      const console = await browser.submit(await browser.get('/console/sign-in'), 'client-submit', {
        client_id: client.clientId,
        client_secret: client.clientSecret,
      });
      return {
        header: (await app.form('/token', GRANT, client)).status,
        form: (await app.form('/token', { ...GRANT, client_id: client.clientId, client_secret: client.clientSecret }))
          .status,
        introspect: (await app.form('/introspect', { token: 'x' }, client)).status,
        elasticsearch: (
          await fetch(`${app.issuer}/_security/_authenticate`, {
            headers: { authorization: `Basic ${btoa(`${client.clientId}:${client.clientSecret}`)}` },
          })
        ).status,
        apiKey: (
          await fetch(`${app.issuer}/_security/_authenticate`, {
            headers: { authorization: `ApiKey ${btoa(`${client.clientId}:${client.clientSecret}`)}` },
          })
        ).status,
        console: console.status,
      };
    };
    const OPEN = { header: 200, form: 200, introspect: 200, elasticsearch: 200, apiKey: 200, console: 303 };
    const SHUT = { header: 401, form: 401, introspect: 401, elasticsearch: 401, apiKey: 401, console: 400 };

    it('opens no door, and does not come back with the method: there is a new one then', async () => {
      const client = await app.createClient({
        grant_types: ['client_credentials'],
        redirect_uris: [],
        scope: 'exeunt:admin',
      });
      expect(await secretDoor(client)).toEqual(OPEN);
      await patch(client, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [await aKey()] } });
      expect(await secretDoor(client)).toEqual(SHUT);
      expect(await app.db.query('SELECT secret_hash FROM clients WHERE client_id = $1', [client.clientId])).toEqual([
        { secret_hash: null },
      ]);
      const { body } = await patch(client, { token_endpoint_auth_method: 'client_secret_basic' });
      expect(await secretDoor(client)).toEqual(SHUT);
      expect(body.client_secret).not.toBe(client.clientSecret);
      expect(await secretDoor({ ...client, clientSecret: String(body.client_secret) })).toEqual(OPEN);
    });

    it('opens no door either where its hash is still stored from before', async () => {
      const client = await app.createClient({
        grant_types: ['client_credentials'],
        redirect_uris: [],
        scope: 'exeunt:admin',
      });
      const [row] = await app.db.query<{ secret_hash: Buffer }>(
        'SELECT secret_hash FROM clients WHERE client_id = $1',
        [client.clientId],
      );
      await patch(client, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [await aKey()] } });
      await app.db.query('UPDATE clients SET secret_hash = $2 WHERE client_id = $1', [
        client.clientId,
        row?.secret_hash,
      ]);
      expect(await secretDoor(client)).toEqual(SHUT);
    });

    it('goes with what the console let in by it, in the same moment', async () => {
      const client = await app.createClient({
        grant_types: ['client_credentials'],
        redirect_uris: [],
        scope: 'exeunt:admin',
      });
      const browser = app.browser();
      await browser.submit(await browser.get('/console/sign-in'), 'client-submit', {
        client_id: client.clientId,
        client_secret: client.clientSecret,
      });
      expect((await browser.get('/console/logouts')).status).toBe(200);
      await admin('POST', client, undefined, '/secret');
      expect((await browser.get('/console/logouts')).status).toBe(303);
    });
  });

  it('leaves the administrator of these tests alone', async () => {
    expect((await app.form('/token', GRANT, ADMIN)).status).toBe(200);
  });
});
