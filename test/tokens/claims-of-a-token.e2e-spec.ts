import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { TestApp, type TestAccount, type TestClient, type Tokens } from '../support/app.js';
import { claimsOf } from './token-requests.js';

const API = 'https://api.example.com';
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** Every operation that is published. */
const OPERATIONS = Object.entries(
  (load(readFileSync('openapi.yaml', 'utf8')) as { paths: Record<string, Record<string, object>> }).paths,
).flatMap(([path, item]) =>
  METHODS.filter((method) => method in item).map((method) => ({ method: method.toUpperCase(), path })),
);

const SECRET_CLAIMS = {
  name: 'Mia Unsayable',
  given_name: 'Unsayable',
  preferred_username: 'mia-unsayable',
  email: 'unsayable@example.com',
  phone_number: '+49 unsayable',
};

describe('what a token tells about its person (OpenID Connect Core 1.0 §5.4, RFC 9068 §4)', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start({ registration: 'open' });
  });
  afterAll(() => app.stop());

  function somebody(): Promise<TestAccount> {
    return app.createAccount(`login-unsayable-${Math.random().toString(36).slice(2)}`, SECRET_CLAIMS);
  }

  async function tokensOf(client: TestClient, scope: string): Promise<Tokens> {
    return app.signInTo(app.browser(), client, (await somebody()).login, { scope });
  }

  async function selfRegistered(): Promise<TestClient> {
    const redirectUri = 'https://rp.example.org/cb';
    const { body } = await app.json('POST', '/register', { body: { redirect_uris: [redirectUri], scope: 'openid' } });
    return { clientId: String(body.client_id), clientSecret: String(body.client_secret), redirectUri };
  }

  /** Everything that one operation answers to the token, wherever in the request it stands. */
  async function answersOf(method: string, path: string, token: string, sub: string): Promise<string> {
    const bearer = { authorization: `Bearer ${token}` };
    const form = new URLSearchParams({ token, access_token: token, id_token_hint: token, logout_token: token });
    const json = JSON.stringify({ token, access_token: token, idToken: token, id_token: token });
    const requests: RequestInit[] = ['GET', 'DELETE'].includes(method)
      ? [{ headers: bearer }]
      : [
          { headers: bearer },
          { headers: bearer, body: form },
          { body: form },
          { headers: { ...bearer, 'content-type': 'application/json' }, body: json },
        ];
    const url = app.issuer + path.replace(/\{[^}]+\}/g, sub);
    const answers = await Promise.all(
      requests.map(async (init) => {
        const answer = await fetch(url, { ...init, method, redirect: 'manual' });
        expect(answer.status).toBeLessThan(500);
        return `${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`;
      }),
    );
    return answers.join('\n');
  }

  it.each<[string, () => Promise<TestClient>, string]>([
    ['for openid alone, of a client that registered itself', selfRegistered, 'openid'],
    ['for openid alone, opaque', () => app.createClient({ access_token_format: 'opaque' }), 'openid'],
    ['for openid alone, of a client of another API', () => app.createClient({ audience: [API] }), 'openid'],
    ['for another API', () => app.createClient({ audience: [API], scope: 'reports' }), 'reports'],
    ['without openid', () => app.createClient({ scope: 'reports' }), 'reports'],
  ])('no endpoint says a name to a token %s', async (_what, client, scope) => {
    const tokens = await tokensOf(await client(), scope);
    const active = await app.db.query<{ id: string }>('SELECT id FROM accounts ORDER BY id DESC LIMIT 1');
    const walk = async (operations: typeof OPERATIONS): Promise<void> => {
      for (const { method, path } of operations) {
        const said = await answersOf(method, path, tokens.access_token, active[0]?.id ?? '');
        expect(`${method} ${path}: ${said}`).not.toMatch(/unsayable/i);
      }
    };
    // One surface ends the token that it is given, so it comes last.
    const ends = ({ path }: { readonly path: string }): boolean => path.startsWith('/csp/');
    expect(OPERATIONS.some(ends)).toBe(true);
    await walk(OPERATIONS.filter((operation) => !ends(operation)));
    // Else the last ones would have been asked with a dead token.
    const userinfo = await app.json('GET', '/userinfo', { token: tokens.access_token });
    expect(userinfo.status).toBe(scope === 'openid' ? 200 : 403);
    await walk(OPERATIONS.filter(ends));
  });

  it('introspection tells its client and a resource server no name either', async () => {
    const server = await app.createClient({ resource_server: true });
    const client = await app.createClient();
    const { access_token: token } = await tokensOf(client, 'openid');
    for (const caller of [client, server]) {
      const answer = await app.form('/introspect', { token }, caller);
      expect(answer.body.active).toBe(true);
      expect(answer.text).not.toMatch(/unsayable/i);
    }
  });

  it.each([
    ['openid profile', 'mia-unsayable'],
    ['openid email', 'unsayable@example.com'],
    ['openid profile email', 'mia-unsayable'],
    ['openid phone', undefined],
  ])('introspection of a token for %j says the username %j (RFC 7662 §2.2)', async (scope, expected) => {
    const client = await app.createClient();
    const { access_token: token } = await tokensOf(client, scope);
    expect((await app.form('/introspect', { token }, client)).body.username).toBe(expected);
  });

  describe('Elasticsearch’s _authenticate', () => {
    const FACILITATOR = { permissions: ['manage_oidc'] };
    const ask = (token: string) => app.json('GET', '/_security/_authenticate', { token });

    it('answers to tokens of facilitators alone, and to others as to a dead one', async () => {
      const everything = 'openid profile email';
      const { access_token: token } = await tokensOf(await app.createClient(), everything);
      const { access_token: facilitators } = await tokensOf(await app.createClient(FACILITATOR), everything);
      const refused = await ask(token);
      expect(refused.status).toBe(401);
      expect(refused.text).not.toMatch(/unsayable/i);
      expect(refused.text).toBe((await ask('a.b.c')).text);
      expect((await ask(facilitators)).body).toMatchObject({ full_name: 'Mia Unsayable', email: SECRET_CLAIMS.email });
    });

    it('does no longer once the client is no facilitator', async () => {
      const client = await app.createClient(FACILITATOR);
      const { access_token: token } = await tokensOf(client, 'openid');
      expect((await ask(token)).status).toBe(200);
      const path = `/admin/v1/clients/${client.clientId}`;
      await app.json('PATCH', path, { token: await app.adminToken(), body: { permissions: [] } });
      expect((await ask(token)).status).toBe(401);
    });

    it.each([
      ['openid', { full_name: null, email: null }],
      ['openid email', { full_name: null, email: 'unsayable@example.com' }],
      ['openid profile', { full_name: 'Mia Unsayable', email: null }],
    ])(
      'tells a facilitator the claims that %j allows, and the login by which it names people',
      async (scope, expected) => {
        const tokens = await tokensOf(await app.createClient(FACILITATOR), scope);
        const { body } = await ask(tokens.access_token);
        expect(body).toMatchObject({ ...expected, username: expect.stringContaining('login-unsayable') });
        const metadata = body.metadata as Record<string, unknown>;
        expect(metadata['oidc(email)']).toBe(expected.email ?? undefined);
        expect(metadata['oidc(name)']).toBe(expected.full_name ?? undefined);
      },
    );

    it('says no name in the refusal of what a person may not do', async () => {
      const { access_token: token } = await tokensOf(await app.createClient(), 'openid');
      const answer = await app.json('POST', '/_security/oidc/prepare', { token, body: { realm: 'exeunt' } });
      expect(answer.status).toBe(401);
      expect(answer.text).not.toMatch(/unsayable/i);
    });
  });

  describe('the audience of tokens for openid', () => {
    it.each(['jwt', 'opaque'])(
      'names us beside the API that is registered (%s), so userinfo answers',
      async (format) => {
        const client = await app.createClient({
          audience: [API],
          access_token_format: format,
          scope: 'openid profile reports',
        });
        const audience = async (token: unknown) =>
          (await app.form('/introspect', { token: String(token) }, client)).body.aud;
        const tokens = await tokensOf(client, 'openid reports');
        expect(await audience(tokens.access_token)).toEqual([API, app.issuer]);
        expect((await app.json('GET', '/userinfo', { token: tokens.access_token })).status).toBe(200);

        const narrowed = (await app.refresh(client, tokens.refresh_token, { scope: 'reports' })).body;
        expect(await audience(narrowed.access_token)).toBe(API);
        expect((await app.json('GET', '/userinfo', { token: String(narrowed.access_token) })).status).toBe(403);
        expect(await audience((await tokensOf(client, 'reports')).access_token)).toBe(API);
      },
    );

    it('is no wider for resource servers by it', async () => {
      const client = await app.createClient({ audience: [API] });
      const { access_token: token } = await tokensOf(client, 'openid');
      expect(await app.isActive(await app.createClient({ resource_server: true }), token)).toBe(false);
      expect(await app.isActive(await app.createClient({ resource_server: true, audience: [API] }), token)).toBe(true);
    });

    it('is for every resource server where an administrator registered us', async () => {
      const client = await app.createClient({ audience: [API, app.issuer] });
      const { access_token: token } = await tokensOf(client, 'openid');
      expect(claimsOf(token).aud).toEqual([API, app.issuer]);
      expect(await app.isActive(await app.createClient({ resource_server: true }), token)).toBe(true);
    });

    it('refuses a token for openid that names another API alone, as one from before may', async () => {
      const client = await app.createClient({ audience: [API], access_token_format: 'opaque' });
      const { access_token: token } = await tokensOf(client, 'openid');
      await app.db.query('UPDATE opaque_access_tokens SET audience = $1 WHERE client_id = $2', [
        [API],
        client.clientId,
      ]);
      const answer = await app.json('GET', '/userinfo', { token });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    });
  });
});
