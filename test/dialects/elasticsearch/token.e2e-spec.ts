import { PASSWORD, TestApp, type TestClient } from '../../support/app.js';
import { DAY, SECOND } from '../../support/clock.js';
import type { StubUpstream } from '../../support/stub-upstream.js';
import {
  aFacilitator,
  BASIC_OR_BEARER,
  changesNothing,
  es,
  expectCannotRefresh,
  expectError,
  expectExpired,
  expectOAuthError,
  liveSessions,
  LOGOUT,
  PREPARE,
  probe,
  refresh,
  signIn,
  TOKEN,
  startScene,
  type EsAnswer,
  type Scene,
  type TestRealm,
} from './scene.js';

const GRANT_TYPE_LIST = '[password, refresh_token, client_credentials]';

let app: TestApp;
let upstream: StubUpstream;
let facilitator: TestClient;
let realms: Scene['realms'];

beforeAll(async () => {
  ({ app, upstream, facilitator, realms } = await startScene());
});
afterAll(() => Promise.all([app.stop(), upstream.stop()]));

function create(body: object, as = facilitator, where = app): Promise<EsAnswer> {
  return es(where, { path: TOKEN, as, body });
}

// docs/wire/elasticsearch.md#token
describe.each(['exeunt', 'upstream'])('refreshing the tokens of somebody of the realm %s', (kind) => {
  let realm: TestRealm;
  beforeAll(() => {
    realm = realms[kind]!;
  });

  it('gives a new pair', async () => {
    const { refreshToken, accessToken } = await signIn(app, realm, facilitator);
    const { status, json } = await refresh(app, facilitator, refreshToken);
    expect(status).toBe(200);
    expect(json).toEqual({
      access_token: expect.stringMatching(/^\S+$/) as string,
      refresh_token: expect.stringMatching(/^[\w-]{96}$/) as string,
      type: 'Bearer',
      expires_in: app.settings.accessTokenTtlSeconds,
      authentication: (await probe(app, String(json.access_token))).json,
    });
    expect(json.refresh_token).not.toBe(refreshToken);
    expect(json.access_token).not.toBe(accessToken);
  });

  it('gives the same refresh token when it is repeated within 30 seconds', async () => {
    const { refreshToken } = await signIn(app, realm, facilitator);
    const first = await refresh(app, facilitator, refreshToken);
    app.clock.advance(30 * SECOND);
    const second = await refresh(app, facilitator, refreshToken);
    expect(second.status).toBe(200);
    expect(second.json.refresh_token).toBe(first.json.refresh_token);
    expect((await probe(app, String(second.json.access_token))).status).toBe(200);
  });

  it('works once: later than that it is refused, and what came of it is dead (RFC 9700 §4.14.2)', async () => {
    const { refreshToken } = await signIn(app, realm, facilitator);
    const { json } = await refresh(app, facilitator, refreshToken);
    app.clock.advance(31 * SECOND);
    expectCannotRefresh(await refresh(app, facilitator, refreshToken));
    expectCannotRefresh(await refresh(app, facilitator, String(json.refresh_token)));
    expectExpired(await probe(app, String(json.access_token)));
  });

  it('is refused to another client, and stays good for its own', async () => {
    const { refreshToken } = await signIn(app, realm, facilitator);
    const body = { grant_type: 'refresh_token', refresh_token: refreshToken };
    expectCannotRefresh(await changesNothing(app, { path: TOKEN, as: await aFacilitator(app), body }));
    expect((await refresh(app, facilitator, refreshToken)).status).toBe(200);
  });

  it('is refused after a logout', async () => {
    const { accessToken, refreshToken } = await signIn(app, realm, facilitator);
    await es(app, { path: LOGOUT, as: facilitator, body: { token: accessToken, refresh_token: refreshToken } });
    const body = { grant_type: 'refresh_token', refresh_token: refreshToken };
    expectCannotRefresh(await changesNothing(app, { path: TOKEN, as: facilitator, body }));
  });
});

it.each([
  ['unknown', 'vLBPvmAB6KvwvJZr27cSvLBPvmAB6KvwvJZr27cS-_0'],
  ['garbage', 'Qm4'],
])('refuses a refresh token that is %s', async (_name, token) => {
  const body = { grant_type: 'refresh_token', refresh_token: token };
  expectCannotRefresh(await changesNothing(app, { path: TOKEN, as: facilitator, body }));
});

describe('by password (wire/elasticsearch#token)', () => {
  it('gives a pair, and begins a session', async () => {
    const { login } = await app.createAccount();
    const { status, json } = await create({ grant_type: 'password', username: login, password: PASSWORD });
    expect(status).toBe(200);
    expect(Object.keys(json)).toEqual(['access_token', 'type', 'expires_in', 'refresh_token', 'authentication']);
    expect(json.authentication).toMatchObject({ username: login, authentication_realm: { name: 'exeunt' } });
    expect((await probe(app, String(json.access_token))).json).toEqual(json.authentication);
    expect((await refresh(app, facilitator, String(json.refresh_token))).status).toBe(200);
    expect(await liveSessions(app, login)).toBe(1);
  });

  it('is one and the same 401 for a wrong password, an unknown person and a disabled one', async () => {
    const [known, disabled] = [await app.createAccount(), await app.createAccount()];
    await app.db.query('UPDATE accounts SET disabled_at = $2 WHERE id = $1', [disabled.id, app.clock.now()]);
    for (const [username, password] of [
      [known.login, 'wrong'],
      ['nobody@example.com', PASSWORD],
      [disabled.login, PASSWORD],
    ]) {
      const body = { grant_type: 'password', username, password };
      const answer = await changesNothing(app, { path: TOKEN, as: facilitator, body });
      const reason = `unable to authenticate user [${username}] for action [cluster:admin/xpack/security/token/create]`;
      expectError(answer, 401, 'security_exception', reason, BASIC_OR_BEARER);
    }
  });

  it('is refused to somebody who came by an upstream and has no password', async () => {
    const { person } = await signIn(app, realms.upstream!, facilitator);
    const body = { grant_type: 'password', username: person.login, password: '' };
    expectOAuthError(await create(body), 'invalid_request', 'Validation Failed: 1: password is missing;');
    expect((await create({ ...body, password: PASSWORD })).status).toBe(401);
  });

  it('keeps the password out of the answer and of the log', async () => {
    const { login } = await app.createAccount();
    const { text } = await create({ grant_type: 'password', username: login, password: 'hunter2-hunter2' });
    expect(text + app.logger.lines.join()).not.toContain('hunter2');
  });

  it('is 429 with Retry-After after too many failures, the right password too', async () => {
    const limited = await TestApp.start({ signInAccountFailures: 2 });
    const client = await aFacilitator(limited);
    const { login } = await limited.createAccount();
    const body = { grant_type: 'password', username: login };
    for (let failure = 0; failure < 2; failure += 1)
      expect((await create({ ...body, password: 'wrong' }, client, limited)).status).toBe(401);
    const answer = await changesNothing(limited, { path: TOKEN, as: client, body: { ...body, password: PASSWORD } });
    expectError(answer, 429, 'es_rejected_execution_exception', 'Too many attempts.');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    await limited.stop();
  });
});

describe('by client credentials (wire/elasticsearch#token)', () => {
  it("gives a token of the client's own, without a refresh token, that it may be known by", async () => {
    const { status, json } = await create({ grant_type: 'client_credentials' });
    expect(status).toBe(200);
    expect(Object.keys(json)).toEqual(['access_token', 'type', 'expires_in', 'authentication']);
    expect(json.authentication).toMatchObject({ username: facilitator.clientId, authentication_type: 'token' });
    const body = { realm: 'exeunt' };
    expect((await es(app, { path: PREPARE, as: String(json.access_token), body })).status).toBe(200);
  });

  it('is refused to a client that is not registered for it', async () => {
    const client = await aFacilitator(app, { grant_types: ['authorization_code'] });
    const body = { grant_type: 'client_credentials' };
    const answer = await changesNothing(app, { path: TOKEN, as: client, body });
    expectOAuthError(answer, 'unauthorized_client', 'This client is not registered for client_credentials.');
  });
});

describe('scope is taken and ignored: it is always full (wire/elasticsearch#token)', () => {
  it.each([
    ['another one', 'admin', 'FULL'],
    ['full', 'full', undefined],
    ['a blank one', ' ', undefined],
  ])('%s', async (_name, scope, said) => {
    const { status, json } = await create({ grant_type: 'client_credentials', scope });
    expect([status, json.scope]).toEqual([200, said]);
  });
});

describe('what is wrong with the request itself is said as in RFC 6749 §5.2, always 400 (wire/elasticsearch#token)', () => {
  it.each([
    ['no grant type', {}, 'invalid_request', ['grant_type is missing']],
    ['an empty grant type', { grant_type: '' }, 'invalid_request', ['grant_type is missing']],
    [
      'an unknown grant type',
      { grant_type: 'authorization_code' },
      'unsupported_grant_type',
      [`grant_type only supports the values: ${GRANT_TYPE_LIST}`],
    ],
    [
      'Kerberos, which is not offered',
      { grant_type: '_kerberos', kerberos_ticket: 'YII' },
      'unsupported_grant_type',
      [`grant_type only supports the values: ${GRANT_TYPE_LIST}`],
    ],
    ['no refresh token', { grant_type: 'refresh_token' }, 'invalid_request', ['refresh_token is missing']],
    [
      'fields of another grant type',
      { grant_type: 'refresh_token', username: 'mia', password: 'p' },
      'invalid_request',
      [
        'username is not supported with the refresh_token grant_type',
        'password is not supported with the refresh_token grant_type',
        'refresh_token is missing',
      ],
    ],
    [
      'a password grant with nothing',
      { grant_type: 'password', username: '' },
      'invalid_request',
      ['username is missing', 'password is missing'],
    ],
    [
      'client credentials with a refresh token',
      { grant_type: 'client_credentials', refresh_token: 'x' },
      'invalid_request',
      ['refresh_token is not supported with the client_credentials grant_type'],
    ],
  ])('%s', async (_name, body, error, problems) => {
    const answer = await changesNothing(app, { path: TOKEN, as: facilitator, body });
    const numbered = problems.map((problem, index) => `${index + 1}: ${problem};`).join('');
    expectOAuthError(answer, error, `Validation Failed: ${numbered}`);
  });
});

// The last one, because time goes on for the others too.
it('refuses a refresh token that has expired', async () => {
  const { refreshToken } = await signIn(app, realms.exeunt!, facilitator);
  app.clock.advance(app.settings.refreshTokenTtlSeconds * 1000 + DAY);
  expectCannotRefresh(await refresh(app, facilitator, refreshToken));
});
