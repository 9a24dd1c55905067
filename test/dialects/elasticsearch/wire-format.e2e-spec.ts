import { TestApp, type TestClient } from '../../support/app.js';
import {
  aFacilitator,
  AUTHENTICATE,
  BASIC_OR_BEARER,
  changesNothing,
  es,
  expectError,
  expectExpired,
  expectTextError,
  LOGOUT,
  ownRealm,
  PREPARE,
  PROBE,
  refresh,
  signIn,
  TOKEN,
  type EsAnswer,
} from './scene.js';

/** Every route that takes a body, with its privilege, its action, and the name of its parser in messages. */
const ROUTES = [
  ['POST', PREPARE, 'manage_oidc', 'cluster:admin/xpack/security/oidc/prepare', 'oidc_prepare_authentication'],
  ['POST', AUTHENTICATE, 'manage_oidc', 'cluster:admin/xpack/security/oidc/authenticate', 'oidc_authn'],
  ['POST', LOGOUT, 'manage_oidc', 'cluster:admin/xpack/security/oidc/logout', 'oidc_logout'],
  ['POST', TOKEN, 'manage_token', 'cluster:admin/xpack/security/token/create', 'token_request'],
  ['DELETE', TOKEN, 'manage_token', 'cluster:admin/xpack/security/token/invalidate', 'invalidate_token'],
] as const;
const VENDOR = 'application/vnd.elasticsearch+json';

let app: TestApp;
let facilitator: TestClient;

beforeAll(async () => {
  app = await TestApp.start();
  facilitator = await aFacilitator(app);
});
afterAll(() => app.stop());

/** A request to `prepare` that is good unless `headers` or `query` spoil it. */
function prepare(headers: Record<string, string> = {}, query = ''): Promise<EsAnswer> {
  return changesNothing(app, { path: PREPARE + query, as: facilitator, body: '{"realm":"exeunt"}', headers });
}

describe('methods and paths (wire/elasticsearch#string-error)', () => {
  const ALLOWED = [
    [PREPARE, ['POST']],
    [AUTHENTICATE, ['POST']],
    [LOGOUT, ['POST']],
    [TOKEN, ['POST', 'DELETE']],
    [PROBE, ['GET']],
  ] as const;
  const WRONG = ALLOWED.flatMap(([path, allowed]) =>
    ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']
      .filter((method) => !(allowed as readonly string[]).includes(method))
      .map((method) => [method, path, allowed] as const),
  );

  it.each(WRONG)('%s %s is 405 with Allow', async (method, path, allowed) => {
    const answer = await changesNothing(app, { method, path });
    const text = `Incorrect HTTP method for uri [${path}] and method [${method}], allowed: [${allowed.join(', ')}]`;
    expectTextError(answer, 405, text);
    expect(answer.headers.get('allow')).toBe(allowed.join(', '));
  });

  it.each([
    ['POST', '/_security/oidc/x'],
    ['GET', '/_security/'],
    ['PUT', '/_security/user/mia'],
    ['POST', '/_security/oidc/logout/x'],
  ])('%s %s is 400: there is nothing', async (method, path) => {
    const answer = await changesNothing(app, { method, path, as: facilitator });
    expectTextError(answer, 400, `no handler found for uri [${path}] and method [${method}]`);
  });

  it('HEAD of what may be read is as GET without a body', async () => {
    const answer = await es(app, { method: 'HEAD', path: PROBE, as: facilitator });
    expect([answer.status, answer.text]).toEqual([200, '']);
  });
});

describe('media types of requests (wire/elasticsearch#media-types)', () => {
  it.each([
    'application/json',
    'application/json; charset=UTF-8',
    'Application/JSON',
    VENDOR,
    `${VENDOR}; compatible-with=9`,
    `${VENDOR};compatible-with=8`,
  ])('takes %s', async (type) => {
    expect((await prepare({ 'content-type': type })).status).toBe(200);
  });

  it.each([
    'application/x-www-form-urlencoded',
    'text/plain;charset=UTF-8',
    'application/x-ndjson',
    'application/yaml',
    'application/jsonp',
    'multipart/form-data; boundary=x',
    'nonsense',
  ])('refuses %s with 406, not 415', async (type) => {
    for (const [method, path] of ROUTES) {
      const request = { method, path, as: facilitator, body: '{}', headers: { 'content-type': type } };
      expectTextError(await changesNothing(app, request), 406, `Content-Type header [${type}] is not supported`);
    }
  });

  it('refuses a body without one', async () => {
    const body = new TextEncoder().encode('{"realm":"exeunt"}');
    const answer = await changesNothing(app, { path: PREPARE, as: facilitator, body });
    expectTextError(answer, 406, 'Content-Type header is missing');
  });

  it('refuses a charset that nobody knows', async () => {
    const type = 'application/json; charset=x-klingon';
    expectTextError(await prepare({ 'content-type': type }), 406, `Content-Type header [${type}] is not supported`);
  });

  it('refuses a Content-Encoding that nobody knows', async () => {
    const answer = await prepare({ 'content-encoding': 'klingon' });
    expect(answer.json).toMatchObject({ error: { type: 'illegal_argument_exception' }, status: answer.status });
    expect([400, 415]).toContain(answer.status);
  });
});

describe('media types of answers (wire/elasticsearch#media-types)', () => {
  it.each([
    ['application/json', 'application/json'],
    ['*/*', 'application/json'],
    [`${VENDOR}; compatible-with=9,text/plain`, `${VENDOR};compatible-with=9`],
    [`${VENDOR};compatible-with=8`, `${VENDOR};compatible-with=8`],
    [VENDOR, 'application/json'],
  ])('%s is answered as %s, errors too', async (accept, type) => {
    expect((await prepare({ accept })).headers.get('content-type')).toBe(type);
    const refused = await changesNothing(app, { path: PREPARE, as: facilitator, body: '{}', headers: { accept } });
    expect([refused.status, refused.headers.get('content-type')]).toEqual([400, type]);
    const unknown = await changesNothing(app, { path: '/_security/oidc/x', headers: { accept } });
    expect([unknown.status, unknown.headers.get('content-type')]).toEqual([400, type]);
  });
});

describe('who may ask (wire/elasticsearch#privileges)', () => {
  it.each(ROUTES)('%s %s without credentials is 401', async (method, path) => {
    const answer = await changesNothing(app, { method, path, body: '{}' });
    const reason = `missing authentication credentials for REST request [${path}]`;
    expectError(answer, 401, 'security_exception', reason, BASIC_OR_BEARER);
  });

  it.each(ROUTES)('%s %s without %s is 403', async (method, path, privilege, action) => {
    const permissions = ['manage_oidc', 'manage_token'].filter((permission) => permission !== privilege);
    for (const client of [await aFacilitator(app, { permissions }), await app.createClient()]) {
      const answer = await changesNothing(app, { method, path, as: client, body: '{}' });
      const reason = `action [${action}] is unauthorized for user [${client.clientId}], this action is granted by the cluster privileges [${privilege}]`;
      expectError(answer, 403, 'security_exception', reason);
    }
  });

  it.each(ROUTES)("%s %s with a person's token is 403: the person is in the body", async (method, path) => {
    const { accessToken, person } = await signIn(app, ownRealm(app), facilitator);
    const answer = await changesNothing(app, { method, path, as: accessToken, body: { token: accessToken } });
    expect(answer.status).toBe(403);
    expect(answer.text).toContain(`is unauthorized for user [${person.login}]`);
  });

  it.each(ROUTES)('%s %s with a token that is dead is 401', async (method, path) => {
    expectExpired(await changesNothing(app, { method, path, as: 'a.b.c', body: '{}' }));
  });
});

describe('bodies (wire/elasticsearch#error-object)', () => {
  it.each(ROUTES)('%s %s needs one', async (method, path) => {
    for (const body of [undefined, '', ' \n']) {
      const answer = await changesNothing(app, { method, path, as: facilitator, body });
      expectError(answer, 400, 'parse_exception', 'request body is required');
    }
  });

  it.each(ROUTES)('%s %s refuses an unknown field (%s, %s) and says which parser did', async (...route) => {
    const [method, path, , , parser] = route;
    const answer = await changesNothing(app, { method, path, as: facilitator, body: '{"x":1}' });
    expectError(answer, 400, 'x_content_parse_exception', `[1:2] [${parser}] unknown field [x]`);
  });

  it.each([
    [PREPARE, '{"relam":"x"}', '[1:2] [oidc_prepare_authentication] unknown field [relam] did you mean [realm]?'],
    [
      AUTHENTICATE,
      '{"redirect_url":"x"}',
      '[1:2] [oidc_authn] unknown field [redirect_url] did you mean [redirect_uri]?',
    ],
    [LOGOUT, '{\n "tokens": "x"}', '[2:2] [oidc_logout] unknown field [tokens] did you mean [token]?'],
    [TOKEN, '{"granttype":"x"}', '[1:2] [token_request] unknown field [granttype] did you mean [grant_type]?'],
  ])('%s asks whether another was meant', async (path, body, reason) => {
    const answer = await changesNothing(app, { path, as: facilitator, body });
    expectError(answer, 400, 'x_content_parse_exception', reason);
  });

  it.each([
    ['broken JSON', '{"token":', '[1:10] malformed JSON: value expected'],
    ['a form', 'token=x', '[1:1] malformed JSON: invalid symbol'],
    ['an array', '[]', '[1:1] [oidc_logout] Expected START_OBJECT but was: START_ARRAY'],
    ['a field sent twice', '{"token":"a","token":"b"}', "[1:14] Duplicate field 'token'"],
    ['a number', '{"token":1}', "[1:10] [oidc_logout] token doesn't support values of type: VALUE_NUMBER"],
    ['an array of tokens', '{"token":["a"]}', "[1:10] [oidc_logout] token doesn't support values of type: START_ARRAY"],
    ['a NUL', '{"token":"\\u0000"}', '[1:10] [oidc_logout] token must not contain a NUL character'],
    ['a second object', '{"token":"a"}{"token":"b"}', '[1:14] malformed JSON: end of file expected'],
    ['a comment', '{/**/"token":"a"}', '[1:2] malformed JSON: invalid comment token'],
  ])('%s is 400 with the place', async (_name, body, reason) => {
    const answer = await changesNothing(app, { path: LOGOUT, as: facilitator, body });
    expectError(answer, 400, 'x_content_parse_exception', reason);
  });

  it.each(ROUTES)('%s %s does not tire of brackets', async (method, path, ...rest) => {
    const parser = rest[2];
    const nested = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    const objects = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`;
    const field = { [PREPARE]: 'realm', [AUTHENTICATE]: 'realm', [LOGOUT]: 'token', [TOKEN]: 'username' }[path];
    for (const [body, reason] of [
      [nested, `[1:1] [${parser}] Expected START_OBJECT but was: START_ARRAY`],
      ['['.repeat(10_000), `[1:1] [${parser}] Expected START_OBJECT but was: START_ARRAY`],
      [objects, `[1:2] [${parser}] unknown field [a]`],
      [
        `{"${field}":${nested}}`,
        `[1:${field.length + 5}] [${parser}] ${field} doesn't support values of type: START_ARRAY`,
      ],
      [
        `{"${field}":${objects}}`,
        `[1:${field.length + 5}] [${parser}] ${field} doesn't support values of type: START_OBJECT`,
      ],
    ] as const) {
      const answer = await changesNothing(app, { method, path, as: facilitator, body });
      expectError(answer, 400, 'x_content_parse_exception', reason);
    }
  });

  it('more than 64 KiB is 413', async () => {
    const body = JSON.stringify({ token: 'x'.repeat(66_000) });
    const answer = await changesNothing(app, { path: LOGOUT, as: facilitator, body });
    expectError(answer, 413, 'content_too_long_exception', 'The request is too large.');
  });

  it('does not say a secret back', async () => {
    const { accessToken, refreshToken } = await signIn(app, ownRealm(app), facilitator);
    for (const body of [
      `{"token":"${accessToken}","refresh_token":"${refreshToken}"`,
      `{"token":"${accessToken}","refresh_token":"${refreshToken}","x":1}`,
      `{"token":"${accessToken}","refresh_token":"${refreshToken}!"}`,
    ]) {
      const { status, text } = await changesNothing(app, { path: LOGOUT, as: facilitator, body });
      expect(status).toBeGreaterThanOrEqual(400);
      for (const secret of [accessToken, refreshToken])
        expect(text + app.logger.lines.join('\n')).not.toContain(secret);
    }
  });
});

describe('query parameters (wire/elasticsearch#query-parameters)', () => {
  it('filter_path leaves what it names', async () => {
    expect((await prepare({}, '?filter_path=realm')).json).toEqual({ realm: 'exeunt' });
    expect(Object.keys((await prepare({}, '?filter_path=-redirect,-sta*')).json)).toEqual(['nonce', 'realm']);
    expect((await prepare({}, '?filter_path=nothing')).json).toEqual({});
    const { json } = await es(app, { path: `${PROBE}?filter_path=**.name`, as: facilitator });
    expect(json).toEqual({ authentication_realm: { name: 'exeunt' }, lookup_realm: { name: 'exeunt' } });
  });

  it('filter_path does not touch errors', async () => {
    const answer = await changesNothing(app, { path: `${PREPARE}?filter_path=realm`, as: facilitator, body: '{}' });
    const reason = 'Validation Failed: 1: one of [realm, issuer] must be provided;';
    expectError(answer, 400, 'action_request_validation_exception', reason);
  });

  it.each(['?pretty', '?pretty=true', '?pretty=false&pretty=true'])('%s is laid out, errors too', async (query) => {
    expect((await prepare({}, query)).text).toMatch(/^\{\n {2}"redirect" : "/);
    const refused = await changesNothing(app, { path: PREPARE + query, as: facilitator, body: '{}' });
    expect(refused.text).toMatch(/^\{\n {2}"error" : \{\n {4}"root_cause" : \[/);
    expect((await prepare({}, '?pretty=false')).text).not.toContain('\n');
  });

  it.each(['?human', '?human=false', '?error_trace=true', '?format=json', '?pretty&human&error_trace'])(
    '%s is legal everywhere',
    async (query) => {
      expect((await prepare({}, query)).status).toBe(200);
      expect((await es(app, { path: PROBE + query, as: facilitator })).status).toBe(200);
    },
  );

  it('error_trace gives no stack trace away', async () => {
    const answer = await changesNothing(app, { path: `${PREPARE}?error_trace=true`, as: facilitator, body: '{}' });
    expect(answer.text).not.toContain('stack_trace');
  });

  it.each([
    ['?x=1', 'contains unrecognized parameter: [x]'],
    ['?y&x=1', 'contains unrecognized parameters: [x], [y]'],
    ['?prety', 'contains unrecognized parameter: [prety] -> did you mean [pretty]?'],
    ['?token=secret', 'contains unrecognized parameter: [token]'],
  ])('%s is 400', async (query, problem) => {
    for (const [method, path] of ROUTES) {
      const answer = await changesNothing(app, { method, path: path + query, as: facilitator, body: '{}' });
      expectError(answer, 400, 'illegal_argument_exception', `request [${path}] ${problem}`);
    }
  });

  it('a flag is true or false', async () => {
    const reason = 'Failed to parse value [yes] as only [true] or [false] are allowed.';
    expectError(await prepare({}, '?pretty=yes'), 400, 'illegal_argument_exception', reason);
  });
});

describe('what is looked at first (README: path and method, media type, credential, privilege, query, body)', () => {
  const body = 'broken';
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  it('the method before the media type', async () => {
    const answer = await changesNothing(app, { method: 'PUT', path: `${LOGOUT}?x`, body, headers: form });
    expect(answer.status).toBe(405);
  });

  it('the media type before the credential', async () => {
    expect((await changesNothing(app, { path: `${LOGOUT}?x`, body, headers: form })).status).toBe(406);
  });

  it('the credential before the query', async () => {
    expect((await changesNothing(app, { path: `${LOGOUT}?x`, body })).status).toBe(401);
  });

  it('the privilege before the query', async () => {
    const as = await app.createClient();
    expect((await changesNothing(app, { path: `${LOGOUT}?x`, as, body })).status).toBe(403);
  });

  it('the query before the body', async () => {
    const answer = await changesNothing(app, { path: `${LOGOUT}?x`, as: facilitator, body });
    expect(answer.json).toMatchObject({ error: { type: 'illegal_argument_exception' } });
  });
});

describe('failures of ours', () => {
  it.each(['grants', 'sessions', 'revoked_access_tokens'])(
    'when %s cannot be read: 503 without detail, never success, and the tokens live on (threat-model#success-without-storage)',
    async (table) => {
      const { accessToken, refreshToken } = await signIn(app, ownRealm(app), facilitator);
      const unreadable = 'We cannot answer just now. Please try again.';
      await app.db.query(`ALTER TABLE ${table} RENAME TO away`);
      try {
        for (const request of [
          { path: LOGOUT, as: facilitator, body: { token: accessToken } },
          { method: 'DELETE', path: TOKEN, as: facilitator, body: { token: accessToken } },
          { path: PROBE, as: accessToken },
        ])
          expectError(await es(app, request), 503, 'exception', unreadable);
      } finally {
        await app.db.query(`ALTER TABLE away RENAME TO ${table}`);
      }
      expect((await es(app, { path: PROBE, as: accessToken })).status).toBe(200);
      expect((await refresh(app, facilitator, refreshToken)).status).toBe(200);
    },
  );
});
