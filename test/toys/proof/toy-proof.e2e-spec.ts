import { sha256 } from '../../../src/platform/oidc/secret.js';
import { TestApp, type Answer } from '../../support/app.js';
import { TOY } from './toy.proof.js';

const PIN = 'a pin of the toy';
const METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none', 'toy_pin'];
const hashOf = (pin: string): string => sha256(pin).toString('base64url');

interface Document {
  readonly components: {
    readonly schemas: Readonly<Record<string, { properties: Record<string, Record<string, unknown>> }>>;
  };
}

describe('a kind of client authentication is one file and one line', () => {
  let app: TestApp;
  let clientId: string;

  beforeAll(async () => {
    app = await TestApp.start({}, { proofs: [TOY] });
    ({ clientId } = await toyClient());
  });
  afterAll(() => app.stop());

  const toyClient = (at = app) =>
    at.createClient({
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'reports',
      token_endpoint_auth_method: 'toy_pin',
      toy_pin_hash: hashOf(PIN),
    });

  const post = (path: string, fields: Record<string, string>, pin = PIN, id = clientId) =>
    app.form(path, { ...fields, client_id: id, client_pin: pin });
  const token = (pin?: string, id?: string) => post('/token', { grant_type: 'client_credentials' }, pin, id);

  function expectRefused(answer: Answer): void {
    expect([answer.status, answer.body]).toEqual([
      401,
      { error: 'invalid_client', error_description: 'Client authentication failed.' },
    ]);
    expect(answer.headers.get('www-authenticate')).toContain('Basic');
  }

  it('authenticates at /token, /introspect and /revoke', async () => {
    const { status, body } = await token();
    expect(status).toBe(200);
    const issued = String(body.access_token);
    const isActive = async () => (await post('/introspect', { token: issued })).body.active;
    expect(await isActive()).toBe(true);
    expect((await post('/revoke', { token: issued })).status).toBe(200);
    expect(await isActive()).toBe(false);
  });

  it.each(['/token', '/introspect', '/revoke'])('is refused at %s when it is wrong, as every other', async (path) => {
    const fields = { grant_type: 'client_credentials', token: 'x' };
    expectRefused(await post(path, fields, 'another pin'));
    expectRefused(await post(path, fields, PIN, 'unknown-client'));
  });

  it('counts only for a client that registered it, and never together with another', async () => {
    const other = await app.createClient({ grant_types: ['client_credentials'], redirect_uris: [], scope: 'reports' });
    expectRefused(await token(PIN, other.clientId));
    const fields = { grant_type: 'client_credentials', client_id: clientId, client_pin: PIN };
    const both = await app.form('/token', { ...fields, client_secret: 'a secret beside it' });
    expect([both.status, both.body]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'Use one method of client authentication, not several.' },
    ]);
    expectRefused(await app.form('/token', { ...fields, client_pin: '' }));
  });

  it('is in discovery, where clients authenticate', async () => {
    const { body } = await app.json('GET', '/.well-known/openid-configuration');
    expect(body.token_endpoint_auth_methods_supported).toEqual(METHODS);
    expect(body.revocation_endpoint_auth_methods_supported).toEqual(METHODS);
    expect(body.introspection_endpoint_auth_methods_supported).toEqual(METHODS.filter((method) => method !== 'none'));
  });

  it('can be registered, with what it needs, and its metadata are kept for its clients alone', async () => {
    const admin = await app.adminToken();
    const register = (metadata: object) =>
      app.json('POST', '/admin/v1/clients', {
        token: admin,
        body: { grant_types: ['client_credentials'], scope: 'reports', ...metadata },
      });
    const registered = await register({ token_endpoint_auth_method: 'toy_pin', toy_pin_hash: hashOf(PIN) });
    expect(registered.status).toBe(201);
    expect(registered.body.toy_pin_hash).toBe(hashOf(PIN));
    expect(registered.body.client_secret).toBeUndefined();
    const [lacking, malformed, unknown, other] = await Promise.all([
      register({ token_endpoint_auth_method: 'toy_pin' }),
      register({ token_endpoint_auth_method: 'toy_pin', toy_pin_hash: '1234' }),
      register({ token_endpoint_auth_method: 'tls_client_auth' }),
      register({ toy_pin_hash: hashOf(PIN) }),
    ]);
    expect(lacking.body.error_description).toBe('toy_pin needs toy_pin_hash.');
    expect(malformed.body.error_description).toContain('toy_pin_hash');
    expect(unknown.body.error_description).toBe(
      `token_endpoint_auth_method must be one of the following values: ${METHODS.join(', ')}.`,
    );
    expect([other.status, other.body.toy_pin_hash]).toEqual([201, undefined]);
  });

  it('takes tokens of the client’s own along when it is replaced', async () => {
    const client = await toyClient();
    const issued = String((await token(PIN, client.clientId)).body.access_token);
    const change = await app.json('PATCH', `/admin/v1/clients/${client.clientId}`, {
      token: await app.adminToken(),
      body: { toy_pin_hash: hashOf('another pin') },
    });
    expect(change.status).toBe(200);
    expectRefused(await token(PIN, client.clientId));
    const { body } = await post('/introspect', { token: issued }, 'another pin', client.clientId);
    expect(body).toEqual({ active: false });
  });

  it('has its parameters and metadata in the API document', async () => {
    const { body } = await app.json('GET', '/openapi.json');
    const { schemas } = (body as unknown as Document).components;
    for (const name of ['TokenRequestDto', 'TokenParameterDto'])
      expect(schemas[name]?.properties.client_pin).toMatchObject({ type: 'string', maxLength: 100 });
    for (const name of ['ClientMetadataDto', 'CreateClientDto', 'ClientDto'])
      expect(schemas[name]?.properties).toMatchObject({
        toy_pin_hash: { type: 'string' },
        token_endpoint_auth_method: { enum: METHODS },
      });
    expect(Object.keys(schemas).filter((name) => /^Offered|Toy/.test(name))).toEqual([]);
  });

  it('is counted when it is wrong, and refused unseen beyond the limit', async () => {
    const limited = await TestApp.start({ clientAuthenticationFailuresPerMinute: 3 }, { proofs: [TOY] });
    try {
      const { clientId: id } = await toyClient(limited);
      const attempt = (pin: string) =>
        limited.form('/token', { grant_type: 'client_credentials', client_id: id, client_pin: pin });
      expect((await attempt(PIN)).status).toBe(200);
      for (const pin of ['one', 'two', 'three']) expectRefused(await attempt(pin));
      const beyond = await attempt(PIN);
      expect([beyond.status, Number(beyond.headers.get('retry-after'))]).toEqual([429, 60]);
      const events = await limited.db.query<{ details: object }>(
        `SELECT details FROM audit_events WHERE event = 'client_authentication'`,
      );
      expect(events.map(({ details }) => details)).toEqual([
        expect.objectContaining({ client_id: id, reason: 'wrong_credentials', count: 3 }),
      ]);
    } finally {
      await limited.stop();
    }
  });
});
