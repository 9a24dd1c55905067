import { TestApp, type TestAccount, type TestClient, type Tokens } from '../../support/app.js';
import type { Browser } from '../../support/http.js';
import { signOut } from '../../tokens/token-requests.js';
import { TOY } from './toy.grant.js';

const TOY_AND_CODE = ['authorization_code', 'refresh_token', TOY.name];

interface Document {
  readonly components: {
    readonly schemas: Readonly<
      Record<string, { properties: Record<string, Record<string, unknown>>; required?: readonly string[] }>
    >;
  };
}

describe('a grant type is one file and one line', () => {
  let app: TestApp;
  let client: TestClient;
  let account: TestAccount;

  beforeAll(async () => {
    app = await TestApp.start({}, { grants: [TOY] });
    client = await app.createClient({ grant_types: TOY_AND_CODE });
    account = await app.createAccount();
  });
  afterAll(() => app.stop());

  const exchange = (token: string, by = client) => app.form('/token', { grant_type: TOY.name, toy_token: token }, by);

  async function signedIn(): Promise<{ readonly browser: Browser; readonly tokens: Tokens }> {
    const browser = app.browser();
    return { browser, tokens: await app.signInTo(browser, client, account.login) };
  }

  it('issues a token that a logout ends', async () => {
    const { browser, tokens } = await signedIn();
    const { status, body } = await exchange(tokens.access_token);
    expect([status, body.token_type, body.scope]).toEqual([200, 'Bearer', 'openid']);
    const issued = String(body.access_token);
    expect(issued).not.toBe(tokens.access_token);
    expect(await app.isActive(client, issued)).toBe(true);
    await signOut(browser);
    expect(await app.isActive(client, issued)).toBe(false);
    expect((await exchange(issued)).body.error).toBe('invalid_grant');
  });

  it('checks its parameters, and what the client is registered for', async () => {
    const missing = await app.form('/token', { grant_type: TOY.name }, client);
    expect([missing.status, missing.body]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'toy_token is required.' },
    ]);
    const long = await exchange('x'.repeat(4001));
    expect(long.body.error_description).toBe('toy_token must be shorter than or equal to 4000 characters.');
    const other = await app.createClient();
    const { tokens } = await signedIn();
    const refused = await exchange(tokens.access_token, other);
    expect([refused.status, refused.body]).toEqual([
      400,
      { error: 'unauthorized_client', error_description: `This client is not registered for ${TOY.name}.` },
    ]);
  });

  it('is in discovery, and in the error of a grant type that is not offered', async () => {
    const { body } = await app.json('GET', '/.well-known/openid-configuration');
    const offered = ['authorization_code', 'refresh_token', 'client_credentials', TOY.name];
    expect(body.grant_types_supported).toEqual(offered);
    const unknown = await app.form('/token', { grant_type: 'password' }, client);
    expect(unknown.body).toEqual({
      error: 'unsupported_grant_type',
      error_description: `grant_type must be authorization_code, refresh_token, client_credentials or ${TOY.name}.`,
    });
  });

  it('can be registered for, with what it needs', async () => {
    const token = await app.adminToken();
    const register = (metadata: object) =>
      app.json('POST', '/admin/v1/clients', {
        token,
        body: { redirect_uris: ['https://toy.example.com/callback'], ...metadata },
      });
    expect((await register({ grant_types: TOY_AND_CODE })).body.grant_types).toEqual(TOY_AND_CODE);
    const refusals = await Promise.all([
      register({ grant_types: [TOY.name] }),
      register({ grant_types: TOY_AND_CODE, token_endpoint_auth_method: 'none' }),
    ]);
    expect(refusals.map(({ status, body }) => [status, body.error_description])).toEqual([
      [400, `${TOY.name} needs the grant type authorization_code beside it.`],
      [400, `${TOY.name} needs a client that authenticates.`],
    ]);
  });

  it('has its parameters in the API document', async () => {
    const { body } = await app.json('GET', '/openapi.json');
    const { schemas } = (body as unknown as Document).components;
    const request = schemas.TokenRequestDto;
    expect(request?.properties.toy_token).toMatchObject({
      type: 'string',
      maxLength: 4000,
      description: 'With the toy: an access token of a person.',
    });
    expect(request?.required).toEqual(['grant_type']);
    expect(request?.properties.grant_type?.enum).toContain(TOY.name);
    expect(schemas.ClientMetadataDto?.properties.grant_types?.description).toContain(TOY.name);
  });

  it('is not there where it was not put in', async () => {
    const plain = await TestApp.start();
    try {
      const { body } = await plain.json('GET', '/.well-known/openid-configuration');
      expect(body.grant_types_supported).toEqual(['authorization_code', 'refresh_token', 'client_credentials']);
    } finally {
      await plain.stop();
    }
  });
});
