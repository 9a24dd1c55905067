import { TestApp, type Answer } from '../support/app.js';

const CALLBACK = 'https://app.example.com/callback';
const GRANT = { grant_type: 'client_credentials' };
const MACHINE = { grant_types: ['client_credentials'], scope: 'reports' };

describe('metadata of clients at the admin API', () => {
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start({ registration: 'open' });
    token = await app.adminToken();
  });
  afterAll(() => app.stop());

  const create = (body: object): Promise<Answer> => app.json('POST', '/admin/v1/clients', { token, body });
  const rows = () => app.db.query('SELECT * FROM clients ORDER BY client_id');

  async function expectRefused(answer: Promise<Answer>, ...words: string[]): Promise<void> {
    const before = await rows();
    const { status, body } = await answer;
    expect([status, body.error]).toEqual([400, 'invalid_client_metadata']);
    for (const word of words) expect(body.error_description).toContain(word);
    expect(await rows()).toEqual(before);
  }

  describe('members that are not known', () => {
    it.each([
      ['post_logout_redirect_uri', ['https://a.example'], 'post_logout_redirect_uris'],
      ['backchannel_logout_url', 'https://a.example', 'backchannel_logout_uri'],
      ['redirect_uri', CALLBACK, 'redirect_uris'],
      ['client_secrets', 'x', 'client_secret'],
      ['grantTypes', [], 'grant_types'],
      ['skip_consents', true, 'skip_consent'],
      ['Scope', 'openid', 'scope'],
      ['zzzzzzzzzzzz', 1, 'zzzzzzzzzzzz'],
      ['__proto__x', 1, '__proto__x'],
      ['constructor', 1, 'constructor'],
    ])('%s is refused by its name, with what was meant, by POST, PUT and PATCH', async (name, value, meant) => {
      const { clientId } = await app.createClient({ redirect_uris: [CALLBACK] });
      const body = { redirect_uris: [CALLBACK], [name]: value };
      const path = `/admin/v1/clients/${clientId}`;
      await expectRefused(create(body), name, meant);
      await expectRefused(app.json('PUT', path, { token, body }), name, meant);
      await expectRefused(app.json('PATCH', path, { token, body: { [name]: value } }), name, meant);
    });

    it('are ignored where clients register themselves (RFC 7591 §2)', async () => {
      const body = { redirect_uris: [CALLBACK], backchannel_logout_url: 'https://a.example', client_secret: 'mine' };
      const answer = await app.json('POST', '/register', { body });
      expect(answer.status).toBe(201);
      expect(answer.body).not.toHaveProperty('backchannel_logout_url');
      expect(answer.body.client_secret).not.toBe('mine');
    });

    it.each(['dpop_bound_access_tokens', 'tls_client_certificate_bound_access_tokens'])(
      '%s is refused where it asks for what we do not do, and says nothing where it is false',
      async (name) => {
        await expectRefused(create({ redirect_uris: [CALLBACK], [name]: true }), `${name} is not supported`);
        expect((await create({ redirect_uris: [CALLBACK], [name]: false })).status).toBe(201);
      },
    );

    it('may be names in other languages (RFC 7591 §2.2), and what an answer of ours said', async () => {
      const made = await create({ redirect_uris: [CALLBACK], 'client_name#fr': 'Grand livre', request_uris: [] });
      expect(made.status).toBe(201);
      const path = `/admin/v1/clients/${String(made.body.client_id)}`;
      const read = (await app.json('GET', path, { token })).body;
      for (const body of [read, { ...made.body, client_name: 'Renamed' }])
        expect((await app.json('PUT', path, { token, body })).status).toBe(200);
      const { client_id: _id, ...copy } = read;
      expect((await create(copy)).status).toBe(201);
    });

    it('are refused with a suggestion in other bodies of the admin API too', async () => {
      const answer = await app.json('POST', '/admin/v1/accounts', {
        token,
        body: { login: 'a@example.com', passwort: 'x' },
      });
      expect([answer.status, answer.body.error_description]).toEqual([
        400,
        'passwort is not known here (did you mean password?).',
      ]);
    });
  });

  describe('a secret that an administrator brings', () => {
    const secret = 'a secret of 43 characters that is built in.';

    it('is taken by POST, PUT and PATCH, stored as the others are, and the one before is dead', async () => {
      const made = await create({ ...MACHINE, client_secret: secret });
      expect([made.status, made.body.client_secret]).toEqual([201, secret]);
      const clientId = String(made.body.client_id);
      const path = `/admin/v1/clients/${clientId}`;
      const works = async (clientSecret: string): Promise<boolean> =>
        (await app.form('/token', GRANT, { clientId, clientSecret })).status === 200;
      expect(await works(secret)).toBe(true);
      const patched = await app.json('PATCH', path, { token, body: { client_secret: 'sixteen letters!' } });
      expect([patched.body.client_secret, await works(secret), await works('sixteen letters!')]).toEqual([
        'sixteen letters!',
        false,
        true,
      ]);
      expect((await app.json('PUT', path, { token, body: { ...MACHINE, client_secret: secret } })).status).toBe(200);
      expect([await works('sixteen letters!'), await works(secret)]).toEqual([false, true]);
      expect(JSON.stringify(await app.db.query('SELECT to_json(c)::text AS row FROM clients c'))).not.toContain(secret);
      const again = await app.json('PATCH', path, { token, body: { client_secret: secret, client_name: 'Same' } });
      expect(again.body).not.toHaveProperty('client_secret');
    });

    it.each([
      ['too short', 'fifteen letters'],
      ['empty', ''],
      ['too long', 'x'.repeat(256)],
      ['no text', 1234567890123456],
      ['with a NUL', 'sixteen letters\0\0'],
      ['with letters that no form has', 'sechzehn Größen!!'],
    ])('is refused when it is %s', async (_what, value) => {
      await expectRefused(create({ ...MACHINE, client_secret: value }));
      const { clientId } = await app.createClient(MACHINE);
      await expectRefused(
        app.json('PATCH', `/admin/v1/clients/${clientId}`, { token, body: { client_secret: value } }),
      );
    });

    it('is refused for a client that has none', async () => {
      await expectRefused(
        create({ redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none', client_secret: secret }),
        'client_secret',
      );
    });

    it.each(['Zk8+q/3w%2Bx=9abc', 'a%zz+b c&d=e%25fg', 'plus+plus+plus+plus', '%41%42%43%44%45%46'])(
      'with + or %% (%s) proves the same as it came and form-url-encoded (RFC 6749 §2.3.1)',
      async (clientSecret) => {
        const { body } = await create({ ...MACHINE, client_secret: clientSecret, permissions: ['manage_token'] });
        const clientId = String(body.client_id);
        const headers = [
          clientSecret,
          encodeURIComponent(clientSecret),
          encodeURIComponent(clientSecret).replaceAll('%20', '+'),
        ];
        for (const sent of headers) {
          const authorization = `Basic ${btoa(`${clientId}:${sent}`)}`;
          for (const fields of [GRANT, { ...GRANT, client_id: clientId }])
            expect((await app.form('/token', fields, undefined, { authorization })).status).toBe(200);
        }
        expect((await app.form('/token', { ...GRANT, client_id: clientId, client_secret: clientSecret })).status).toBe(
          200,
        );
        const wrong = `Basic ${btoa(`${clientId}:${clientSecret}x`)}`;
        expect((await app.form('/token', GRANT, undefined, { authorization: wrong })).status).toBe(401);
      },
    );
  });

  describe('schemes of redirect URIs that are no domain name', () => {
    const native = {
      application_type: 'native',
      redirect_uris: ['oc://ios.example.com'],
      post_logout_redirect_uris: ['oc://bye'],
    };

    it('are taken from an administrator, and answered to', async () => {
      const made = await create({ ...native, skip_consent: true });
      expect([made.status, made.body.redirect_uris]).toEqual([201, native.redirect_uris]);
      const client = {
        clientId: String(made.body.client_id),
        clientSecret: String(made.body.client_secret),
        redirectUri: 'oc://ios.example.com',
      };
      const browser = app.browser();
      const code = await app.codeFor(browser, client, (await app.createAccount()).login);
      const redeemed = { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri };
      expect((await app.form('/token', redeemed, client)).status).toBe(200);
      const uris = `/admin/v1/clients/${client.clientId}/post_logout_redirect_uris`;
      expect((await app.json('POST', uris, { token, body: { uri: 'oc://bye/again' } })).status).toBe(201);
    });

    it.each([
      'javascript:alert(1)',
      'JavaScript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      'vbscript:x',
      'blob:https://a.example/x',
      'about:blank',
      'http://app.example.com/cb',
      'ws://a.example',
      'intent://a#Intent;end',
    ])('%s is refused all the same', async (uri) => {
      for (const name of ['redirect_uris', 'post_logout_redirect_uris']) {
        const answer = await create({ ...native, [name]: [uri] });
        expect([answer.status, answer.body.error]).toEqual([400, 'invalid_redirect_uri']);
      }
    });

    it('are refused to clients that register themselves, which keep what an administrator gave them', async () => {
      const refused = await app.json('POST', '/register', { body: native });
      expect([refused.status, refused.body.error]).toEqual([400, 'invalid_redirect_uri']);
      const own = await app.json('POST', '/register', {
        body: { application_type: 'native', redirect_uris: ['com.example.app:/cb'] },
      });
      const path = `/register/${String(own.body.client_id)}`;
      const registration = String(own.body.registration_access_token);
      const given = await app.json('PATCH', `/admin/v1/clients/${String(own.body.client_id)}`, {
        token,
        body: { redirect_uris: native.redirect_uris },
      });
      expect(given.status).toBe(200);
      const put = { client_id: own.body.client_id, application_type: 'native', redirect_uris: native.redirect_uris };
      expect(
        (await app.json('PUT', path, { token: registration, body: { ...put, contacts: ['a@example.com'] } })).status,
      ).toBe(200);
      const more = { ...put, redirect_uris: [...native.redirect_uris, 'oc://another'] };
      expect((await app.json('PUT', path, { token: registration, body: more })).status).toBe(400);
    });
  });
});

describe('HEAD', () => {
  it.each([
    ['/authorize', 'GET, POST'],
    ['/Authorize', 'GET, POST'],
    ['/authorize/', 'GET, POST'],
    ['/session/end_session', 'GET, POST'],
    ['/interaction/x', 'GET'],
    ['/upstreams/x/callback', 'GET'],
    ['/account/sessions', 'GET'],
  ])('%s is not answered as GET is: nothing happens', async (path, allow) => {
    const app = await TestApp.start();
    const client = await app.createClient({ skip_logout_confirmation: true });
    const browser = app.browser();
    const { id_token } = await app.signInTo(browser, client, (await app.createAccount()).login);
    const before = await app.rowCounts();
    const query = path.toLowerCase().startsWith('/authorize')
      ? app.authorizeUrl(client).slice('/authorize'.length)
      : `?${new URLSearchParams({ id_token_hint: id_token })}`;
    const response = await fetch(`${app.issuer}${path}${query}`, {
      method: 'HEAD',
      redirect: 'manual',
      headers: { cookie: `exeunt_session=${browser.cookie('exeunt_session')}` },
    });
    expect([response.status, response.headers.get('allow'), response.headers.get('location')]).toEqual([
      405,
      allow,
      null,
    ]);
    expect(await app.rowCounts()).toEqual(before);
    expect((await fetch(`${app.issuer}/jwks`, { method: 'HEAD' })).status).toBe(200);
    await app.stop();
  });
});
