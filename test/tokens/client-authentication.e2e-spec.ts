import { ClientRegistrationService } from '../../src/domain/clients/client-registration.service.js';
import { basic, pkce, TestApp, type Answer } from '../support/app.js';
import { postRaw, tokenState } from './token-requests.js';

const MACHINE = { grant_types: ['client_credentials'], redirect_uris: [], scope: 'reports' };
const GRANT = { grant_type: 'client_credentials' };
const encode = (text: string): string => Buffer.from(text).toString('base64');

describe('client authentication (RFC 6749 §2.3)', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  /** With a challenge always, however the client tried (RFC 9110 §15.5.2). */
  function expectInvalidClient(answer: Answer): void {
    expect(answer.status).toBe(401);
    expect(answer.body.error).toBe('invalid_client');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="exeunt", charset="UTF-8"');
  }

  it('takes the header, with any case of the scheme', async () => {
    const client = await app.createClient(MACHINE);
    const authorization = basic(client).replace('Basic', 'bAsIc');
    expect((await app.form('/token', GRANT, undefined, { authorization })).status).toBe(200);
  });

  it('form-url-decodes both parts of the header (RFC 6749 §2.3.1)', async () => {
    const clientId = 'a b:c+d%é';
    const clientSecret = 'p&q=r s:t+u%25ü';
    await app.app.get(ClientRegistrationService).register(MACHINE, { administrator: true, clientId, clientSecret });
    const form = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
    const plus = `Basic ${encode(`${form(clientId)}:${form(clientSecret)}`)}`;
    expect(plus).not.toBe(basic({ clientId, clientSecret }));
    for (const authorization of [plus, basic({ clientId, clientSecret })]) {
      expect((await app.form('/token', GRANT, undefined, { authorization })).status).toBe(200);
    }
  });

  it('answers a wrong secret and an unknown client with the same words, and a challenge', async () => {
    const client = await app.createClient(MACHINE);
    const wrong = await app.form('/token', GRANT, { ...client, clientSecret: 'wrong' });
    const unknown = await app.form('/token', GRANT, { clientId: 'nobody', clientSecret: 'wrong' });
    const deleted = await app.createClient(MACHINE);
    await app.json('DELETE', `/admin/v1/clients/${deleted.clientId}`, { token: await app.adminToken() });
    for (const answer of [wrong, unknown, await app.form('/token', GRANT, deleted)]) {
      expectInvalidClient(answer);
      expect(answer.text).toBe(wrong.text);
    }
  });

  it('answers a public client that names no one, and one that should have a secret, alike', async () => {
    const client = await app.createClient(MACHINE);
    const secretless = await app.form('/token', { ...GRANT, client_id: client.clientId });
    const unknown = await app.form('/token', { ...GRANT, client_id: 'nobody' });
    expectInvalidClient(secretless);
    expectInvalidClient(unknown);
    expect(unknown.text).toBe(secretless.text);
  });

  it.each(['client_secret_basic', 'client_secret_post'])(
    'takes the secret of a client that registered %s in the header and in the form',
    async (method) => {
      const client = await app.createClient({ ...MACHINE, token_endpoint_auth_method: method });
      const byForm = { ...GRANT, client_id: client.clientId, client_secret: client.clientSecret };
      expect((await app.form('/token', GRANT, client)).status).toBe(200);
      expect((await app.form('/token', byForm)).status).toBe(200);
    },
  );

  it.each([
    ['none', {}],
    [
      'private_key_jwt',
      { jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] } },
    ],
  ])('refuses the secret that a client had before it registered %s', async (method, keys) => {
    const client = await app.createClient();
    const patch = { token_endpoint_auth_method: method, ...keys };
    const token = await app.adminToken();
    expect((await app.json('PATCH', `/admin/v1/clients/${client.clientId}`, { token, body: patch })).status).toBe(200);
    const before = await tokenState(app);
    const fields = { grant_type: 'refresh_token', refresh_token: 'x' };
    expectInvalidClient(await app.form('/token', fields, client));
    const byForm = { ...fields, client_id: client.clientId, client_secret: client.clientSecret };
    expectInvalidClient(await app.form('/token', byForm));
    expect(await tokenState(app)).toEqual(before);
  });

  it('takes `id:` in the header for the name alone, of a client without a secret only (RFC 6749 §2.3.1)', async () => {
    const spa = await app.createClient({ token_endpoint_auth_method: 'none', skip_consent: true });
    const { verifier, challenge } = pkce();
    const request = { code_challenge: challenge, code_challenge_method: 'S256' };
    const code = await app.codeFor(app.browser(), spa, (await app.createAccount()).login, request);
    const fields = { grant_type: 'authorization_code', code, redirect_uri: spa.redirectUri, code_verifier: verifier };
    const authorization = `Basic ${encode(`${spa.clientId}:`)}`;
    expect((await app.form('/token', fields, undefined, { authorization })).status).toBe(200);
    const contradicted = await app.form('/token', { ...fields, client_id: 'another' }, undefined, { authorization });
    expect([contradicted.status, contradicted.body.error]).toEqual([400, 'invalid_request']);

    const client = await app.createClient(MACHINE);
    for (const header of [
      `Basic ${encode(`${client.clientId}:`)}`,
      `Basic ${encode(':')}`,
      `Basic ${encode('nobody:')}`,
    ])
      expectInvalidClient(await app.form('/token', GRANT, undefined, { authorization: header }));
    const body = { ...GRANT, client_id: client.clientId, client_secret: client.clientSecret };
    const named = { authorization: `Basic ${encode(`${client.clientId}:`)}` };
    expect((await app.form('/token', body, undefined, named)).status).toBe(200);
  });

  it('refuses two methods at once', async () => {
    const client = await app.createClient(MACHINE);
    const fields = { ...GRANT, client_id: client.clientId, client_secret: client.clientSecret };
    const answer = await app.form('/token', fields, client);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toBe('invalid_request');
  });

  it('refuses a client_id that contradicts the header', async () => {
    const [client, other] = await Promise.all([app.createClient(MACHINE), app.createClient(MACHINE)]);
    const answer = await app.form('/token', { ...GRANT, client_id: other.clientId }, client);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toBe('invalid_request');
    expect((await app.form('/token', { ...GRANT, client_id: client.clientId }, client)).status).toBe(200);
  });

  it.each([
    ['no colon', `Basic ${encode('client')}`],
    ['a percent sign that escapes nothing', `Basic ${encode('client:%zz')}`],
    ['no base64', 'Basic ****'],
    ['a NUL in the client id', `Basic ${encode('cli%00ent:secret')}`],
  ])('refuses a header with %s', async (_what, authorization) => {
    expectInvalidClient(await app.form('/token', GRANT, undefined, { authorization }));
  });

  it('refuses a request without any, and with a bearer token in its place', async () => {
    expectInvalidClient(await app.form('/token', GRANT));
    const token = await app.adminToken();
    expectInvalidClient(await app.form('/token', GRANT, undefined, { authorization: `Bearer ${token}` }));
  });

  it.each(['/token', '/revoke', '/introspect'])('%s asks for it before it looks at anything else', async (path) => {
    expectInvalidClient(await postRaw(app, path, 'grant_type=nonsense&token=x'));
  });

  it('a client that gets a new secret can use it, and not the one before', async () => {
    const client = await app.createClient(MACHINE);
    expect((await app.form('/token', GRANT, client)).status).toBe(200);
    const { client_secret: clientSecret } = (
      await app.json('POST', `/admin/v1/clients/${client.clientId}/secret`, { token: await app.adminToken() })
    ).body;
    expectInvalidClient(await app.form('/token', GRANT, client));
    expect((await app.form('/token', GRANT, { ...client, clientSecret: String(clientSecret) })).status).toBe(200);
  });

  it('keeps no secret in the database', async () => {
    const client = await app.createClient(MACHINE);
    const dump = JSON.stringify(await app.db.query('SELECT to_json(c)::text AS row FROM clients c'));
    expect(dump).not.toContain(client.clientSecret);
    expect(dump).not.toContain(Buffer.from(client.clientSecret).toString('hex'));
  });
});
