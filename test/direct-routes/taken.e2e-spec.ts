import { DirectRoutesAdapter } from '../../src/web/kit/direct/direct-routes.adapter.js';
import { ADMIN, basic, TestApp } from '../support/app.js';
import { sendRaw, type RawRequest } from './raw-http.js';

const FORM = 'application/x-www-form-urlencoded';
/** As clients send it: curl, `fetch` and browsers, Java and Go libraries. */
const TYPES = [FORM, `${FORM};charset=UTF-8`, `${FORM}; charset=utf-8`, FORM.toUpperCase(), `${FORM}; Charset="UTF-8"`];

const FORMS: ReadonlyArray<readonly [path: string, body: string]> = [
  ['/token', 'grant_type=client_credentials'],
  ['/introspect', 'token=x&token_type_hint=access_token'],
  ['/revoke', 'token=x'],
  ['/userinfo', 'access_token=x'],
  [
    '/authorize',
    'client_id=x&redirect_uri=https%3A%2F%2Fapp.example.test%2Fcb&response_type=code&scope=openid+profile',
  ],
  ['/session/end_session', 'id_token_hint=x'],
  ['/console/client-sign-in', 'client_id=x&client_secret=y'],
  ['/api/v1/auth/oidc/backchannel-logout', 'logout_token=x'],
];
const DOCUMENTS = [
  '/jwks',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/userinfo',
  '/authorize?client_id=x&redirect_uri=https%3A%2F%2Fapp.example.test%2Fcb&response_type=code&state=%C3%A4%20b+c',
  '/session/end_session?id_token_hint=x&post_logout_redirect_uri=https://app.example.test/',
  '/session/check_session',
  '/account/sessions',
  '/health/ready',
  '/_security/_authenticate',
];

/** Without this a way that no request takes would pass every other test. */
describe('what real clients send goes the direct way', () => {
  let app: TestApp;
  let adapter: DirectRoutesAdapter;

  beforeAll(async () => {
    adapter = new DirectRoutesAdapter();
    app = await TestApp.start({}, { adapter });
  });
  afterAll(() => app.stop());

  async function taken(key: string, request: RawRequest): Promise<number> {
    const before = adapter.taken.get(key) ?? 0;
    expect(await sendRaw(app.settings.port, request), request.name).toBeDefined();
    return (adapter.taken.get(key) ?? 0) - before;
  }

  it.each(FORMS.flatMap(([path, body]) => TYPES.map((type) => [path, type, body] as const)))(
    'POST %s with %s',
    async (path, type, body) => {
      const headers = [
        ['Authorization', basic(ADMIN)],
        ['Content-Type', type],
      ] as const;
      const request = { name: path, method: 'POST', target: path, body, headers };
      expect(await taken(`POST ${path}`, request)).toBe(1);
    },
  );

  it.each(DOCUMENTS)('GET %s', async (target) => {
    const key = `GET ${target.split('?', 1)[0] ?? ''}`;
    expect(await taken(key, { name: target, method: 'GET', target })).toBe(1);
  });

  it('the form of fetch and of browsers', async () => {
    const before = adapter.taken.get('POST /token') ?? 0;
    expect((await app.form('/token', { grant_type: 'client_credentials' }, ADMIN)).status).toBe(200);
    expect(adapter.taken.get('POST /token')).toBe(before + 1);
  });

  it('and the rest does not', async () => {
    const total = (): number => [...adapter.taken.values()].reduce((sum, count) => sum + count, 0);
    const before = total();
    const json = [['Content-Type', 'application/json']] as const;
    const form = [['Content-Type', FORM]] as const;
    for (const request of [
      { method: 'HEAD', target: '/jwks' },
      { method: 'OPTIONS', target: '/token', headers: [['Origin', 'https://a.example']] },
      { method: 'GET', target: '/jwks/' },
      { method: 'GET', target: '/JWKS' },
      { method: 'GET', target: '/jwks', body: 'x' },
      { method: 'GET', target: '/' },
      { method: 'POST', target: '/token', body: '{}', headers: json },
      { method: 'POST', target: '/token', body: '0\r\n\r\n', headers: [...form, ['Transfer-Encoding', 'chunked']] },
      { method: 'POST', target: '/token', body: 'x'.repeat(65_537), headers: form },
      { method: 'POST', target: '/token', body: 'x', headers: [...form, ['Content-Encoding', 'gzip']] },
      { method: 'POST', target: '/token', body: 'x', headers: [...form, ['Expect', '100-continue']] },
      // These read JSON themselves, and refuse a form in their own words.
      { method: 'POST', target: '/_security/oauth2/token', body: 'x=1', headers: form },
      { method: 'POST', target: '/csp/gateway/am/api/auth/logout', body: 'x=1', headers: form },
    ] satisfies readonly Omit<RawRequest, 'name'>[])
      await sendRaw(app.settings.port, { ...request, name: request.target });
    expect(total()).toBe(before);
  });
});
