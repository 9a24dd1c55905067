import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { loadSettings } from '../../src/platform/config/settings.js';
import { ADMIN, TestApp, type Answer } from '../support/app.js';
import { ownRealm, aFacilitator, signIn } from '../dialects/elasticsearch/scene.js';

interface Content {
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, unknown>>;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly example?: unknown;
  readonly schema?: { readonly example?: unknown };
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Content>> }>
  >;
}

const document = load(readFileSync('openapi.yaml', 'utf8')) as {
  readonly info: { readonly description: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};
const OPERATIONS = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);

describe('the API document, as somebody reads it', () => {
  it('fills in no parameter that may be left out', () => {
    const filled = OPERATIONS.flatMap(({ operation }) =>
      (operation.parameters ?? [])
        .filter(({ required, example, schema }) => required !== true && (example ?? schema?.example) !== undefined)
        .map(({ name }) => `${operation.operationId} ${name}`),
    );
    expect(filled).toEqual([]);
  });

  it('has one example for each body', () => {
    const bodies = OPERATIONS.flatMap(({ operation }) =>
      Object.values(operation.requestBody?.content ?? {}).map((content) => [operation.operationId, content] as const),
    );
    expect(bodies.length).toBeGreaterThan(30);
    for (const [operationId, { example, examples }] of bodies)
      expect([operationId, typeof example, examples]).toEqual([operationId, 'object', undefined]);
  });

  it('says what comes, and does not repeat what was asked', () => {
    const repeated = OPERATIONS.filter(({ operation: { summary, responses } }) =>
      Object.entries(responses).some(
        ([status, { description }]) => status.startsWith('2') && [summary, ''].includes(description),
      ),
    );
    expect(repeated.map(({ operation }) => operation.operationId)).toEqual([]);
  });

  it('has an example of its own for what an operation of the admin API refuses', () => {
    for (const { operation, path } of OPERATIONS.filter((one) => one.path.startsWith('/admin/'))) {
      for (const status of ['400', '404', '409']) {
        const { description, content } = operation.responses[status] ?? {};
        if (description === undefined) continue;
        const example = content?.['application/json']?.example as { error_description?: string } | undefined;
        expect(description, `${path} ${status}`).toContain('For example');
        expect(description, `${path} ${status}`).toContain(example?.error_description);
      }
    }
  });

  it.each([
    ['Handle OIDC backchannel logout', 'POST', '/api/v1/auth/oidc/backchannel-logout'],
    ['Process OIDC backchannel logout token', 'POST', '/api/v1/auth/oidc/backchannel-logout'],
    ['Logout Endpoint (End-Session)', 'GET', '/session/end_session'],
    ['end-session', 'GET', '/session/end_session'],
    ['logout endpoint', 'POST', '/session/end_session'],
    ['OpenID Connect logout', 'POST', '/_security/oidc/logout'],
    ['OpenID Connect logout API', 'POST', '/_security/oidc/logout'],
    ['OpenID Connect prepare authentication API', 'POST', '/_security/oidc/prepare'],
    ['OpenID Connect authenticate API', 'POST', '/_security/oidc/authenticate'],
    ['Get token API', 'POST', '/_security/oauth2/token'],
    ['Invalidate token API', 'DELETE', '/_security/oauth2/token'],
    ['Get Identity Provider Logout Url Using POST', 'POST', '/csp/gateway/am/api/auth/logout'],
  ])('has the name “%s” at %s %s', (name, method, path) => {
    const { summary, description = '' } = document.paths[path]![method.toLowerCase()]!;
    expect(`${summary}\n${description}`.toLowerCase()).toContain(name.toLowerCase());
  });

  it('puts administration first, and says what its own words mean', () => {
    const names = document.tags.map(({ name }) => name);
    const admin = names.filter((name) => name.startsWith('Admin'));
    expect(names.slice(0, admin.length)).toEqual(admin);
    for (const word of ['dialect', 'notice', 'hint', 'facilitator'])
      expect(document.info.description).toContain(`*${word}*`);
  });

  it('makes nobody an operator by an example, and publishes no password with an account', () => {
    const { example } = document.paths['/admin/v1/accounts']!.post!.requestBody!.content['application/json']!;
    expect(example).not.toHaveProperty('roles');
    expect(example).not.toHaveProperty('password');
  });
});

/** Each JSON example of the admin API, sent as it stands; only ids are those of what is there. */
describe('the examples of the admin API work', () => {
  let app: TestApp;
  let token: string;
  const ids: Record<string, string> = {};

  beforeAll(async () => {
    app = await TestApp.start();
    token = await app.adminToken();
  });
  afterAll(() => app.stop());

  const SAMPLE_ACCOUNT = '0197f4a2-7c1e-7c3b-9a51-0b8e4b7a8a10';
  const ofSample = (operation: Operation): unknown =>
    JSON.parse(
      JSON.stringify(operation.requestBody?.content['application/json']?.example)
        .replaceAll(SAMPLE_ACCOUNT, ids.account ?? '')
        .replaceAll('exeunt-admin', ADMIN.clientId),
    );

  async function send(method: string, path: string, body: unknown): Promise<Answer> {
    const id = path.includes('/organizations/') ? ids.organization : ids.account;
    const real = path
      .replace('{client_id}', ids.client ?? '')
      .replace('{name}', ids.upstream ?? '')
      .replace('{id}', id ?? '');
    return app.json(method, real, { token, body });
  }

  it('in the order of what needs what', async () => {
    // What makes things comes before what changes them; the new password ends what the account had.
    const rank = ({ method, path }: { method: string; path: string }): number =>
      method === 'POST' && !path.includes('{') ? (path.endsWith('logout-orders') ? 3 : 0) : method === 'POST' ? 1 : 2;
    const withBody = OPERATIONS.filter(
      ({ path, operation }) => path.startsWith('/admin/') && operation.requestBody !== undefined,
    ).toSorted((a, b) => rank(a) - rank(b));
    expect(withBody.length).toBeGreaterThan(14);
    for (const one of withBody) {
      const { method, path, operation } = one;
      const isPlace = (where: string): boolean => method === 'POST' && path === `/admin/v1/${where}`;
      if (ids.account === undefined && !isPlace('accounts')) {
        const { id } = await app.createAccount();
        ids.account = id;
      }
      const { status, text, body } = await send(method, path, ofSample(operation));
      expect([operation.operationId, status, status < 300 ? '' : text]).toEqual([
        operation.operationId,
        method === 'POST' && operation.responses['201'] !== undefined ? 201 : 200,
        '',
      ]);
      if (isPlace('clients')) ids.client = String(body.client_id);
      if (isPlace('accounts')) ids.account = String(body.id);
      if (isPlace('upstreams')) ids.upstream = String(body.name);
      if (isPlace('organizations')) ids.organization = String(body.id);
    }
    const { body: account } = await app.json('GET', `/admin/v1/accounts/${ids.account}`, { token });
    expect(account).toMatchObject({ email: 'mia@example.org' });
  });

  it('and those of a client that registers itself, and of a facilitator', async () => {
    const example = (path: string): Record<string, unknown> =>
      document.paths[path]!.post!.requestBody!.content['application/json']!.example as Record<string, unknown>;
    const registered = await app.json('POST', '/register', { token, body: example('/register') });
    expect(registered.status).toBe(201);
    const facilitator = await aFacilitator(app);
    const { accessToken, refreshToken } = await signIn(app, ownRealm(app), facilitator);
    for (const [path, own] of [
      ['/_security/oidc/prepare', {}],
      ['/_security/oauth2/token', {}],
      ['/_security/oidc/logout', { token: accessToken, refresh_token: refreshToken }],
    ] as const) {
      const credentials = Buffer.from(`${facilitator.clientId}:${facilitator.clientSecret}`).toString('base64');
      const { status } = await fetch(`${app.issuer}${path}`, {
        method: 'POST',
        headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...example(path), ...own }),
      });
      expect([path, status]).toEqual([path, 200]);
    }
    const anonymous = await app.json('POST', '/csp/gateway/am/api/auth/logout', {
      body: example('/csp/gateway/am/api/auth/logout'),
    });
    expect(anonymous.status).toBe(200);
    const { status } = await app.form('/token', { grant_type: 'client_credentials', scope: 'exeunt:admin' }, ADMIN);
    expect(status).toBe(200);
  });
});

describe('EXEUNT_DOCS', () => {
  it('is on, but off in production unless it is set', () => {
    const production = {
      NODE_ENV: 'production',
      ISSUER: 'https://id.example.com',
      EXEUNT_SECRET: 'a-secret-of-thirty-two-characters-or-more',
      DATABASE_URL: 'postgres://localhost/x',
    };
    expect(loadSettings({}).docs).toBe(true);
    expect(loadSettings({ EXEUNT_DOCS: 'off' }).docs).toBe(false);
    expect(loadSettings(production).docs).toBe(false);
    expect(loadSettings({ ...production, EXEUNT_DOCS: 'on' }).docs).toBe(true);
  });

  it('off: serves neither Swagger UI nor the document, and links to neither', async () => {
    const app = await TestApp.start({ docs: false });
    try {
      for (const path of ['docs', 'docs/', 'docs/swagger-ui-init.js', 'openapi.yaml', 'openapi.json'])
        expect([path, (await fetch(`${app.issuer}/${path}`)).status]).toEqual([path, 404]);
      expect(await (await fetch(`${app.issuer}/`)).text()).not.toContain('/docs');
    } finally {
      await app.stop();
    }
  });
});
