import { basic, TestApp, type TestClient } from '../../support/app.js';
import { aFacilitator, ownRealm, signIn } from './scene.js';

/** What clients of the versions 7.14 to 7.17 ask before their first call. */
describe('GET / by a client of Elasticsearch', () => {
  let app: TestApp;
  let facilitator: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    facilitator = await aFacilitator(app);
  });
  afterAll(() => app.stop());

  function root(headers: Record<string, string>, method = 'GET', query = ''): Promise<Response> {
    return fetch(`${app.issuer}/${query}`, { method, headers });
  }
  const apiKey = ({ clientId, clientSecret }: TestClient): string =>
    `ApiKey ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
  const product = (response: Response): (string | null)[] => [
    String(response.status),
    response.headers.get('x-elastic-product'),
    response.headers.get('content-type'),
  ];

  it.each([
    ['application/json', 'application/json'],
    ['*/*', 'application/json'],
    ['application/json,text/plain', 'application/json'],
    ['application/vnd.elasticsearch+json; compatible-with=7', 'application/vnd.elasticsearch+json;compatible-with=7'],
  ])('says which product and version it is, to Accept: %s', async (accept, type) => {
    for (const authorization of [basic(facilitator), apiKey(facilitator)]) {
      const response = await root({ accept, authorization });
      expect(product(response)).toEqual(['200', 'Elasticsearch', type]);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await response.json()).toMatchObject({
        cluster_uuid: expect.stringMatching(/^[\w-]{22}$/) as string,
        version: { number: expect.stringMatching(/^7\.1[4-7]\.\d+$/) as string, build_flavor: 'default' },
        tagline: 'You Know, for Search',
      });
    }
  });

  it('says so by HEAD, to a token of its own, and to the token of somebody whom it signed in', async () => {
    const { accessToken } = await signIn(app, ownRealm(app), facilitator);
    const { body } = await app.form(
      '/token',
      { grant_type: 'client_credentials' },
      await app.createClient({
        grant_types: ['authorization_code', 'client_credentials'],
        permissions: ['manage_oidc'],
      }),
    );
    const head = await root({ authorization: basic(facilitator) }, 'HEAD');
    expect(product(head)).toEqual(['200', 'Elasticsearch', 'application/json']);
    expect(await head.text()).toBe('');
    for (const token of [accessToken, String(body.access_token)])
      expect(product(await root({ accept: 'application/json', authorization: `Bearer ${token}` }))[1]).toBe(
        'Elasticsearch',
      );
    const pretty = await root({ authorization: basic(facilitator) }, 'GET', '?pretty&filter_path=tagline');
    expect(await pretty.text()).toBe('{\n  "tagline" : "You Know, for Search"\n}\n');
  });

  it.each<[string, () => Promise<Record<string, string>> | Record<string, string>]>([
    ['nobody who asks for JSON', () => ({ accept: 'application/json' })],
    ['nobody', () => ({})],
    ['a facilitator that asks for HTML', () => ({ accept: 'text/html,*/*;q=0.8', authorization: basic(facilitator) })],
    ['a client without permissions', async () => ({ authorization: basic(await app.createClient()) })],
    ['another scheme', () => ({ authorization: 'Negotiate abc' })],
  ])('%s gets the page', async (_who, headers) => {
    const response = await root(await headers());
    expect(product(response)).toEqual(['200', null, 'text/html; charset=utf-8']);
    expect(await response.text()).toContain('<h1');
  });

  it.each<[string, () => string | Promise<string>]>([
    ['a wrong secret', () => basic({ ...facilitator, clientSecret: 'wrong' })],
    ['a client that is not there', () => basic({ clientId: 'nobody', clientSecret: 'x' })],
    ['a wrong API key', () => apiKey({ ...facilitator, clientSecret: 'wrong' })],
    ['a token that is dead', () => 'Bearer unknown'],
    [
      'the token of somebody whom another client signed in',
      async () => {
        const { login } = await app.createAccount();
        const { access_token: token } = await app.signInTo(app.browser(), await app.createClient(), login);
        return `Bearer ${token}`;
      },
    ],
  ])('%s is 401 in the words of Elasticsearch', async (_what, credentials) => {
    const authorization = await credentials();
    const response = await root({ accept: 'application/json', authorization });
    expect(product(response)).toEqual(['401', 'Elasticsearch', 'application/json']);
    expect(response.headers.get('www-authenticate')).not.toBeNull();
    expect(await response.json()).toMatchObject({ status: 401, error: { type: 'security_exception' } });
    const page = await root({ accept: 'text/html', authorization });
    expect(page.status).toBe(200);
  });

  it('changes no other address', async () => {
    const headers = { accept: 'application/json', authorization: basic(facilitator) };
    for (const path of ['health/live', 'jwks', '.well-known/openid-configuration'])
      expect((await fetch(`${app.issuer}/${path}`, { headers })).headers.get('x-elastic-product')).toBeNull();
  });
});
