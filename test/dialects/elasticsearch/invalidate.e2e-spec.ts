import { PASSWORD, type TestApp, type TestClient } from '../../support/app.js';
import { MINUTE } from '../../support/clock.js';
import { sentDuring } from '../../support/pages.js';
import type { StubUpstream } from '../../support/stub-upstream.js';
import { promptNone } from '../../rp-initiated-logout/end-session.js';
import {
  aFacilitator,
  changesNothing,
  es,
  expectCannotRefresh,
  expectError,
  expectExpired,
  liveSessions,
  probe,
  refresh,
  signIn,
  TOKEN,
  startScene,
  type EsAnswer,
  type Scene,
  type TestRealm,
} from './scene.js';

let app: TestApp;
let upstream: StubUpstream;
let realms: Scene['realms'];
/** Of its own for each test: what is counted is everything of one facilitator. */
let facilitator: TestClient;

beforeAll(async () => {
  ({ app, upstream, realms } = await startScene());
});
afterAll(() => Promise.all([app.stop(), upstream.stop()]));
beforeEach(async () => {
  facilitator = await aFacilitator(app);
});

function invalidate(body: object, as = facilitator): Promise<EsAnswer> {
  return es(app, { method: 'DELETE', path: TOKEN, as, body });
}

/** `error_details` is there only when there were errors. */
function expectCounts(answer: EsAnswer, invalidated: number, previously: number, status = 200): void {
  expect(answer.json).toEqual({
    invalidated_tokens: invalidated,
    previously_invalidated_tokens: previously,
    error_count: 0,
  });
  expect(answer.status).toBe(status);
}

// docs/wire/elasticsearch.md#invalidate
describe.each(['exeunt', 'upstream'])('invalidating tokens of somebody of the realm %s', (kind) => {
  let realm: TestRealm;
  beforeAll(() => {
    realm = realms[kind]!;
  });

  it('an access token: dead at once, while the refresh token and the session stay', async () => {
    const { accessToken, refreshToken, person } = await signIn(app, realm, facilitator);
    expectCounts(await invalidate({ token: accessToken }), 1, 0);
    expectExpired(await probe(app, accessToken));
    expect((await refresh(app, facilitator, refreshToken)).status).toBe(200);
    expect(await liveSessions(app, person.login)).toBe(1);
  });

  it('a refresh token: dead at once, while the access token and the session stay', async () => {
    const { accessToken, refreshToken, person } = await signIn(app, realm, facilitator);
    expectCounts(await invalidate({ refresh_token: refreshToken }), 1, 0);
    expectCannotRefresh(await refresh(app, facilitator, refreshToken));
    expect((await probe(app, accessToken)).status).toBe(200);
    expect(await liveSessions(app, person.login)).toBe(1);
  });

  it('a second time: counted as dead before', async () => {
    const { accessToken, refreshToken } = await signIn(app, realm, facilitator);
    for (const body of [{ token: accessToken }, { refresh_token: refreshToken }]) {
      await invalidate(body);
      expectCounts(await changesNothing(app, { method: 'DELETE', path: TOKEN, as: facilitator, body }), 0, 1);
    }
  });

  it('an access token that has expired: dead before', async () => {
    const { accessToken } = await signIn(app, realm, facilitator);
    app.clock.advance(app.settings.accessTokenTtlSeconds * 1000 + MINUTE);
    const body = { token: accessToken };
    expectCounts(await changesNothing(app, { method: 'DELETE', path: TOKEN, as: facilitator, body }), 0, 1);
  });

  it('a refresh token that was used: dead before, and its successor lives on', async () => {
    const { refreshToken } = await signIn(app, realm, facilitator);
    const { json } = await refresh(app, facilitator, refreshToken);
    expectCounts(await invalidate({ refresh_token: refreshToken }), 0, 1);
    expect((await refresh(app, facilitator, String(json.refresh_token))).status).toBe(200);
  });

  it("another client's: 404 as if it were unknown, and it stays good", async () => {
    const { accessToken, refreshToken } = await signIn(app, realm, facilitator);
    const stranger = await aFacilitator(app);
    for (const body of [{ token: accessToken }, { refresh_token: refreshToken }])
      expectCounts(await changesNothing(app, { method: 'DELETE', path: TOKEN, as: stranger, body }), 0, 0, 404);
    expect((await probe(app, accessToken)).status).toBe(200);
    expect((await refresh(app, facilitator, refreshToken)).status).toBe(200);
  });

  it('everything of the realm: each pair counts two, other realms and other clients are left alone', async () => {
    const [one, two] = [await signIn(app, realm, facilitator), await signIn(app, realm, facilitator)];
    const elsewhere = await signIn(app, realms[kind === 'exeunt' ? 'upstream' : 'exeunt']!, facilitator);
    const stranger = await aFacilitator(app);
    const strangers = await signIn(app, realm, stranger);
    expectCounts(await invalidate({ realm_name: realm.name }), 4, 0);
    for (const { accessToken, refreshToken } of [one, two]) {
      expectExpired(await probe(app, accessToken));
      expectCannotRefresh(await refresh(app, facilitator, refreshToken));
    }
    for (const { accessToken } of [elsewhere, strangers]) expect((await probe(app, accessToken)).status).toBe(200);
    expectCounts(await invalidate({ realm_name: realm.name }), 0, 0);
  });

  it('everything of a person, and of a person in a realm', async () => {
    const [one, other] = [await signIn(app, realm, facilitator), await signIn(app, realm, facilitator)];
    const again = await signIn(app, realm, facilitator, { ...one.person, browser: app.browser() });
    const { login: username } = one.person;
    const elsewhere = kind === 'exeunt' ? realms.upstream!.name : 'exeunt';
    expectCounts(await invalidate({ realm_name: elsewhere, username }), 0, 0);
    expectCounts(await invalidate({ realm_name: realm.name, username }), 4, 0);
    for (const { accessToken } of [one, again]) expectExpired(await probe(app, accessToken));
    expect((await probe(app, other.accessToken)).status).toBe(200);
    expectCounts(await invalidate({ username: other.person.login }), 2, 0);
    expectExpired(await probe(app, other.accessToken));
  });

  it('thousands, in steps that look at so many and no more, each of them once', async () => {
    const { accessToken, person } = await signIn(app, realm, facilitator);
    const other = await signIn(app, realm, facilitator);
    const more = 2500;
    // As many more of the first person as make three steps.
    await app.db.query(
      `INSERT INTO grants (account_id, id, client_id, session_id, offline, scope, authenticated_at, amr, realm, created_at, upstream_id,
                           began_after_order, client_generation, refresh_root_hash, refresh_expires_at, keep_until)
       SELECT account_id, gen_random_uuid(), client_id, session_id, offline, scope, authenticated_at, amr, realm, created_at, upstream_id,
              began_after_order, client_generation, refresh_root_hash, refresh_expires_at, keep_until
         FROM grants, generate_series(1, $3::int) WHERE client_id = $1 AND account_id = (SELECT id FROM accounts WHERE login = $2)`,
      [facilitator.clientId, person.login, more],
    );
    const sent = await sentDuring(async () => {
      expectCounts(await invalidate({ username: person.login }), 2 * (more + 1), 0);
    });
    expect(sent.filter(({ text }) => text.includes('revoked_cause')).length).toBe(3);
    expectExpired(await probe(app, accessToken));
    expect((await probe(app, other.accessToken)).status).toBe(200);
    expectCounts(await invalidate({ username: person.login }), 0, 0);
    expectCounts(await invalidate({ username: 'nobody-has-this-login' }), 0, 0);
  });

  it('a pair whose refresh token is used up counts with its successor, once', async () => {
    const { refreshToken } = await signIn(app, realm, facilitator);
    const { json } = await refresh(app, facilitator, refreshToken);
    expectCounts(await invalidate({ realm_name: realm.name }), 2, 0);
    expectCannotRefresh(await refresh(app, facilitator, String(json.refresh_token)));
  });
});

it('a token that is not known is 404 with the same body', async () => {
  for (const token of ['garbage', 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln', 'vLBPvmAB6KvwvJZr27cSvLBPvmAB6KvwvJZr27cS-_0']) {
    for (const body of [{ token }, { refresh_token: token }])
      expectCounts(await changesNothing(app, { method: 'DELETE', path: TOKEN, as: facilitator, body }), 0, 0, 404);
  }
});

it("a client's own token, and tokens by password, are invalidated alike", async () => {
  const { login } = await app.createAccount();
  const own = await es(app, { path: TOKEN, as: facilitator, body: { grant_type: 'client_credentials' } });
  const body = { grant_type: 'password', username: login, password: PASSWORD };
  const byPassword = await es(app, { path: TOKEN, as: facilitator, body });
  for (const { json } of [own, byPassword]) {
    expectCounts(await invalidate({ token: json.access_token }), 1, 0);
    expectExpired(await probe(app, String(json.access_token)));
    expectCounts(await invalidate({ token: json.access_token }), 0, 1);
  }
  expectCounts(await invalidate({ username: login }), 2, 0);
});

it('ends no session: the browser stays signed in', async () => {
  const { person } = await signIn(app, realms.exeunt!, facilitator);
  await invalidate({ realm_name: 'exeunt' });
  expect(await promptNone(app, person.browser, facilitator)).toBe('code');
});

it('a realm or a person that nobody knows has nothing to invalidate', async () => {
  for (const body of [{ realm_name: 'nowhere' }, { username: 'nobody' }, { realm_name: 'nowhere', username: 'nobody' }])
    expectCounts(await changesNothing(app, { method: 'DELETE', path: TOKEN, as: facilitator, body }), 0, 0);
});

describe('what must be sent (wire/elasticsearch#invalidate)', () => {
  const VALIDATION = 'action_request_validation_exception';
  const nothing = 'Validation Failed: 1: token string must be provided when not specifying a realm name or a username;';
  const tokenAndRealm =
    'Validation Failed: 1: token string must not be provided when realm name or username is specified;2: token type must not be provided when realm name or username is specified;';

  it.each([
    ['nothing', () => ({}), VALIDATION, nothing],
    ['blank names', () => ({ realm_name: ' ', username: '' }), VALIDATION, nothing],
    ['an empty token', () => ({ token: '' }), VALIDATION, nothing],
    ['a token and a realm', (token: string) => ({ token, realm_name: 'exeunt' }), VALIDATION, tokenAndRealm],
    ['a token and a person', (token: string) => ({ token, username: 'mia' }), VALIDATION, tokenAndRealm],
    ['a refresh token and a realm', () => ({ refresh_token: 'x', realm_name: 'exeunt' }), VALIDATION, tokenAndRealm],
    [
      'both tokens',
      (token: string) => ({ token, refresh_token: 'x' }),
      'x_content_parse_exception',
      'only one of [token, refresh_token] may be sent per request',
    ],
  ])('%s', async (_name, body, type, reason) => {
    const { accessToken } = await signIn(app, realms.exeunt!, facilitator);
    const request = { method: 'DELETE', path: TOKEN, as: facilitator, body: body(accessToken) };
    expectError(await changesNothing(app, request), 400, type, reason);
    expect((await probe(app, accessToken)).status).toBe(200);
  });
});
