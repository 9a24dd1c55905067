import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { TestApp, type TestClient } from '../../support/app.js';
import { MINUTE } from '../../support/clock.js';
import { StubRelyingParty } from '../../support/stub-relying-party.js';
import { StubUpstream } from '../../support/stub-upstream.js';
import { terminationsOf } from '../../back-channel-logout/scene.js';
import { promptNone } from '../../rp-initiated-logout/end-session.js';
import {
  aFacilitator,
  BASIC_OR_BEARER,
  changesNothing,
  es,
  expectCannotRefresh,
  expectError,
  expectExpired,
  liveSessions,
  LOGOUT,
  MALFORMED,
  ownRealm,
  probe,
  refresh,
  signIn,
  SIGNED_OUT_URI,
  TOKEN,
  upstreamRealm,
  type EsAnswer,
  type SignedIn,
  type TestRealm,
} from './scene.js';

const NOT_VALID = 'supplied token is not valid';
/** 43 characters, as ours have them. */
const UNKNOWN_REFRESH_TOKEN = 'vLBPvmAB6KvwvJZr27cSvLBPvmAB6KvwvJZr27cS-_0';
const DOCUMENTED_TOKEN =
  'dGhpcyBpcyBub3QgYSByZWFsIHRva2VuIGJ1dCBpdCBpcyBvbmx5IHRlc3QgZGF0YS4gZG8gbm90IHRyeSB0byByZWFkIHRva2VuIQ==';
const DOCUMENTED_REFRESH_TOKEN = 'vLBPvmAB6KvwvJZr27cS';

let app: TestApp;
let upstream: StubUpstream;
let party: StubRelyingParty;
let facilitator: TestClient;
const realms: Record<string, TestRealm> = {};

beforeAll(async () => {
  app = await TestApp.start();
  [upstream, party] = await Promise.all([StubUpstream.start(app.clock), StubRelyingParty.start()]);
  facilitator = await aFacilitator(app, { backchannel_logout_uri: party.backchannelLogoutUri });
  realms.exeunt = ownRealm(app);
  realms.upstream = await upstreamRealm(app, upstream);
});
afterAll(() => Promise.all([app.stop(), upstream.stop(), party.stop()]));
afterEach(() => upstream.down.clear());

function logout(body: object, as = facilitator): Promise<EsAnswer> {
  return es(app, { path: LOGOUT, as, body });
}

function both({ accessToken, refreshToken }: SignedIn): object {
  return { token: accessToken, refresh_token: refreshToken };
}

/** The parameters of the URL, in their order. */
function redirectOf(answer: EsAnswer, endpoint: string): [string, string][] {
  expect(answer.status).toBe(200);
  expect(Object.keys(answer.json)).toEqual(['redirect']);
  const url = new URL(String(answer.json.redirect));
  expect(url.origin + url.pathname).toBe(endpoint);
  return [...url.searchParams];
}

function hintOf(answer: EsAnswer): string {
  return new URL(String(answer.json.redirect)).searchParams.get('id_token_hint') ?? '';
}

async function expectSignedIn({ accessToken, person }: SignedIn): Promise<void> {
  expect((await probe(app, accessToken)).status).toBe(200);
  expect(await liveSessions(app, person.login)).toBeGreaterThan(0);
}

async function expectSignedOut({ accessToken, refreshToken, person }: SignedIn): Promise<void> {
  expectExpired(await probe(app, accessToken));
  expectCannotRefresh(await refresh(app, facilitator, refreshToken));
  expect(await liveSessions(app, person.login)).toBe(0);
}

/** It is refused as a whole: the person stays signed in and keeps both tokens. */
async function expectNothingEnded(signedIn: SignedIn, body: object, as = facilitator): Promise<EsAnswer> {
  const answer = await changesNothing(app, { path: LOGOUT, as, body });
  await expectSignedIn(signedIn);
  expect((await refresh(app, facilitator, signedIn.refreshToken)).status).toBe(200);
  return answer;
}

// docs/wire/elasticsearch.md#logout
describe.each(['exeunt', 'upstream'])('logout of somebody who came by the realm %s', (kind) => {
  let realm: TestRealm;
  beforeAll(() => {
    realm = realms[kind]!;
  });

  it('ends both tokens and the session: _authenticate is 200 before and 401 after', async () => {
    const signedIn = await signIn(app, realm, facilitator);
    await expectSignedIn(signedIn);
    expect((await logout(both(signedIn))).status).toBe(200);
    await expectSignedOut(signedIn);
  });

  it('answers a URL with exactly id_token_hint, post_logout_redirect_uri and state, in this order', async () => {
    const answer = await logout(both(await signIn(app, realm, facilitator)));
    expect(redirectOf(answer, realm.endSessionEndpoint)).toEqual([
      ['id_token_hint', expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/)],
      ['post_logout_redirect_uri', SIGNED_OUT_URI],
      ['state', expect.stringMatching(/^[\w-]{43}$/)],
    ]);
    expect(answer.json.redirect).toContain(`&post_logout_redirect_uri=${encodeURIComponent(SIGNED_OUT_URI)}&state=`);
  });

  it('is recorded with its cause and who asked, and runs the back channel', async () => {
    const signedIn = await signIn(app, realm, facilitator);
    const told = party.received.length;
    await logout(both(signedIn));
    const [account] = await app.db.query<{ id: string }>('SELECT id FROM accounts WHERE login = $1', [
      signedIn.person.login,
    ]);
    expect(await terminationsOf(app, account?.id ?? '')).toMatchObject([
      { cause: 'elasticsearch_logout', initiator: { kind: 'client', clientId: facilitator.clientId }, sessions: 1 },
    ]);
    await app.sendDue();
    expect(party.received.slice(told).map(({ claims }) => [claims.aud, claims.sub])).toEqual([
      [facilitator.clientId, account?.id],
    ]);
  });

  it('ends the one session only', async () => {
    const one = await signIn(app, realm, facilitator);
    const browser = app.browser();
    const other = await signIn(app, realm, facilitator, { ...one.person, sid: 'another-sid', browser });
    await logout(both(one));
    expectExpired(await probe(app, one.accessToken));
    await expectSignedIn(other);
  });

  it('takes access_token for token', async () => {
    const signedIn = await signIn(app, realm, facilitator);
    const { accessToken, refreshToken } = signedIn;
    expect((await logout({ access_token: accessToken, refresh_token: refreshToken })).status).toBe(200);
    await expectSignedOut(signedIn);
  });

  it('takes token and access_token together when they are the same', async () => {
    const { accessToken } = await signIn(app, realm, facilitator);
    expect((await logout({ token: accessToken, access_token: accessToken })).status).toBe(200);
    expectExpired(await probe(app, accessToken));
  });

  it('refuses token and access_token that differ', async () => {
    const [one, other] = [await signIn(app, realm, facilitator), await signIn(app, realm, facilitator)];
    const answer = await expectNothingEnded(one, { token: one.accessToken, access_token: other.accessToken });
    const reason = 'Validation Failed: 1: only one of [token, access_token] can be provided in the same request;';
    expectError(answer, 400, 'action_request_validation_exception', reason);
    await expectSignedIn(other);
  });

  it('without a refresh token leaves nothing alive either: nobody allowed it to outlive the session', async () => {
    const signedIn = await signIn(app, realm, facilitator);
    const body = { token: signedIn.accessToken };
    expect(redirectOf(await logout(body), realm.endSessionEndpoint)).toHaveLength(3);
    await expectSignedOut(signedIn);
    const offline = await app.db.query('SELECT 1 FROM grants WHERE client_id = $1 AND offline', [facilitator.clientId]);
    expect(offline).toEqual([]);
    expect((await logout(body)).status).toBe(200);
  });

  it('twice is 200 with a redirect each, the second with another state, and writes nothing more', async () => {
    const signedIn = await signIn(app, realm, facilitator);
    const first = await logout(both(signedIn));
    const second = await changesNothing(app, { path: LOGOUT, as: facilitator, body: both(signedIn) });
    const [one, two] = [redirectOf(first, realm.endSessionEndpoint), redirectOf(second, realm.endSessionEndpoint)];
    expect(two.map(([name]) => name)).toEqual(one.map(([name]) => name));
    expect(two[2]).not.toEqual(one[2]);
    expect(decodeJwt(hintOf(second)).sub).toBe(decodeJwt(hintOf(first)).sub);
  });

  it('of an access token that has expired is 200 with a redirect, and ends the session', async () => {
    const signedIn = await signIn(app, realm, facilitator);
    app.clock.advance(app.settings.accessTokenTtlSeconds * 1000 + MINUTE);
    expectExpired(await probe(app, signedIn.accessToken));
    expect(redirectOf(await logout(both(signedIn)), realm.endSessionEndpoint)).toHaveLength(3);
    await expectSignedOut(signedIn);
  });

  it('of an access token that was invalidated before is 200 with a redirect', async () => {
    const signedIn = await signIn(app, realm, facilitator);
    const { accessToken: token } = signedIn;
    await es(app, { method: 'DELETE', path: TOKEN, as: facilitator, body: { token } });
    expect(redirectOf(await logout(both(signedIn)), realm.endSessionEndpoint)).toHaveLength(3);
    await expectSignedOut(signedIn);
  });

  it('with a refresh token that was used before takes its successor along', async () => {
    const signedIn = await signIn(app, realm, facilitator);
    const { json } = await refresh(app, facilitator, signedIn.refreshToken);
    expect((await logout(both(signedIn))).status).toBe(200);
    expectCannotRefresh(await refresh(app, facilitator, String(json.refresh_token)));
    expectExpired(await probe(app, String(json.access_token)));
  });

  it('leaves nothing alive that a refresh at the same moment has made', async () => {
    for (let round = 0; round < 5; round += 1) {
      const signedIn = await signIn(app, realm, facilitator);
      const [answer, refreshed] = await Promise.all([
        logout(both(signedIn)),
        refresh(app, facilitator, signedIn.refreshToken),
      ]);
      expect(answer.status).toBe(200);
      if (refreshed.status === 200) {
        expectExpired(await probe(app, String(refreshed.json.access_token)));
        expectCannotRefresh(await refresh(app, facilitator, String(refreshed.json.refresh_token)));
      } else expect([400, 401]).toContain(refreshed.status);
      await expectSignedOut(signedIn);
    }
  });

  it('with an unknown refresh token of the right form goes on without it', async () => {
    const { accessToken, refreshToken } = await signIn(app, realm, facilitator);
    expect((await logout({ token: accessToken, refresh_token: UNKNOWN_REFRESH_TOKEN })).status).toBe(200);
    expectExpired(await probe(app, accessToken));
    expectCannotRefresh(await refresh(app, facilitator, refreshToken));
  });

  it.each([
    ['garbage', 'g9dX'],
    ['the documented example', DOCUMENTED_TOKEN],
    ['the form of a JWT', 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2ln'],
    ['unknown', UNKNOWN_REFRESH_TOKEN],
  ])('of a token that is %s is 401, and the refresh token beside it is not burnt', async (_name, token) => {
    const signedIn = await signIn(app, realm, facilitator);
    const answer = await expectNothingEnded(signedIn, { token, refresh_token: signedIn.refreshToken });
    expectError(answer, 401, 'security_exception', NOT_VALID, BASIC_OR_BEARER);
  });

  it('of a changed token is 401', async () => {
    const signedIn = await signIn(app, realm, facilitator);
    const token = `${signedIn.accessToken.slice(0, -6)}AAAAAA`;
    const answer = await expectNothingEnded(signedIn, { token });
    expectError(answer, 401, 'security_exception', NOT_VALID, BASIC_OR_BEARER);
  });

  it("of another facilitator's access token is 401: nobody learns whose it is", async () => {
    const signedIn = await signIn(app, realm, facilitator);
    const answer = await expectNothingEnded(signedIn, { token: signedIn.accessToken }, await aFacilitator(app));
    expectError(answer, 401, 'security_exception', NOT_VALID, BASIC_OR_BEARER);
  });

  it("refuses a refresh token that is another person's", async () => {
    const [one, other] = [await signIn(app, realm, facilitator), await signIn(app, realm, facilitator)];
    const answer = await expectNothingEnded(one, { token: one.accessToken, refresh_token: other.refreshToken });
    expectError(answer, 400, 'security_exception', 'invalid_grant');
    await expectSignedIn(other);
    expect((await refresh(app, facilitator, other.refreshToken)).status).toBe(200);
  });

  it("refuses a refresh token that is another session's", async () => {
    const one = await signIn(app, realm, facilitator);
    const browser = app.browser();
    const other = await signIn(app, realm, facilitator, { ...one.person, browser });
    const answer = await expectNothingEnded(one, { token: one.accessToken, refresh_token: other.refreshToken });
    expectError(answer, 400, 'security_exception', 'invalid_grant');
    await expectSignedIn(other);
  });

  it("refuses a refresh token that is another session's also when both sessions are long forgotten", async () => {
    const one = await signIn(app, realm, facilitator);
    const other = await signIn(app, realm, facilitator, { ...one.person, browser: app.browser() });
    // As a logout leaves them, and retention after that.
    await logout({ token: one.accessToken });
    await logout({ token: other.accessToken });
    await app.db.query('DELETE FROM sessions WHERE account_id = (SELECT id FROM accounts WHERE login = $1)', [
      one.person.login,
    ]);
    const body = { token: one.accessToken, refresh_token: other.refreshToken };
    const answer = await changesNothing(app, { path: LOGOUT, as: facilitator, body });
    expectError(answer, 400, 'security_exception', 'invalid_grant');
    // Its own still goes with it.
    expect((await logout(both(one))).status).toBe(200);
    for (const { refreshToken } of [one, other]) expectCannotRefresh(await refresh(app, facilitator, refreshToken));
  });

  it("refuses a refresh token that is another facilitator's", async () => {
    const stranger = await aFacilitator(app);
    const one = await signIn(app, realm, facilitator);
    const other = await signIn(app, realm, stranger);
    const answer = await expectNothingEnded(one, { token: one.accessToken, refresh_token: other.refreshToken });
    expectError(answer, 400, 'security_exception', 'invalid_grant');
    expect((await refresh(app, stranger, other.refreshToken)).status).toBe(200);
  });

  it.each([
    ['too short', 'Qm4'],
    ['the documented example', DOCUMENTED_REFRESH_TOKEN],
    ['of other characters', '+'.repeat(43)],
  ])('refuses a refresh token that cannot be one, before the token is looked at: %s', async (_name, token) => {
    const signedIn = await signIn(app, realm, facilitator);
    for (const accessToken of [signedIn.accessToken, 'garbage']) {
      const body = { token: accessToken, refresh_token: token };
      const answer = await changesNothing(app, { path: LOGOUT, as: facilitator, body });
      expectError(answer, 401, 'security_exception', 'token malformed', MALFORMED);
    }
    await expectSignedIn(signedIn);
  });

  it.each([
    ['no token', () => ({}), 'action_request_validation_exception', 'Validation Failed: 1: token is missing;'],
    [
      'an empty token',
      ({ refreshToken }: SignedIn) => ({ token: '', refresh_token: refreshToken }),
      'action_request_validation_exception',
      'Validation Failed: 1: token is missing;',
    ],
    [
      'an empty refresh token',
      ({ accessToken }: SignedIn) => ({ token: accessToken, refresh_token: '' }),
      'illegal_argument_exception',
      'refresh token must be provided',
    ],
    [
      'null for the refresh token',
      ({ accessToken }: SignedIn) => ({ token: accessToken, refresh_token: null }),
      'x_content_parse_exception',
      expect.stringMatching(/^\[1:\d+\] \[oidc_logout\] refresh_token doesn't support values of type: VALUE_NULL$/),
    ],
    [
      'where to go afterwards',
      ({ accessToken }: SignedIn) => ({ token: accessToken, post_logout_redirect_uri: 'https://evil.example.org' }),
      'x_content_parse_exception',
      expect.stringMatching(/^\[1:\d+\] \[oidc_logout\] unknown field \[post_logout_redirect_uri\]$/),
    ],
  ])('refuses %s', async (_name, body, type, reason) => {
    const signedIn = await signIn(app, realm, facilitator);
    const answer = await expectNothingEnded(signedIn, body(signedIn));
    expectError(answer, 400, type, reason as string);
  });

  it('refuses tokens that are not of OpenID Connect', async () => {
    const { login } = await app.createAccount();
    const password = { grant_type: 'password', username: login, password: 'correct horse battery staple' };
    for (const grant of [password, { grant_type: 'client_credentials' }]) {
      const { json } = await es(app, { path: TOKEN, as: facilitator, body: grant });
      const body = { token: json.access_token };
      const answer = await changesNothing(app, { path: LOGOUT, as: facilitator, body });
      const reason = 'Access token is not valid for an OpenID Connect realm';
      expectError(answer, 400, 'illegal_argument_exception', reason);
      expect((await probe(app, String(json.access_token))).status).toBe(200);
    }
  });

  it('works with opaque access tokens', async () => {
    const opaque = await aFacilitator(app, { access_token_format: 'opaque' });
    const signedIn = await signIn(app, realm, opaque);
    expect(signedIn.accessToken).not.toContain('.');
    const answer = await logout(both(signedIn), opaque);
    expect(redirectOf(answer, realm.endSessionEndpoint)).toHaveLength(3);
    expectExpired(await probe(app, signedIn.accessToken));
    expect((await logout(both(signedIn), opaque)).status).toBe(200);
  });
});

describe('logout at the realm exeunt', () => {
  it("ends the browser's session for every application in it, and tells them", async () => {
    const signedIn = await signIn(app, realms.exeunt!, facilitator);
    const wiki = await app.createClient({ backchannel_logout_uri: party.backchannelLogoutUri });
    const tokens = await app.signInTo(signedIn.person.browser, wiki, signedIn.person.login);
    const told = party.received.length;
    await logout(both(signedIn));
    expect(await promptNone(app, signedIn.person.browser, wiki)).toBe('login_required');
    expect(await app.isActive(wiki, tokens.access_token)).toBe(false);
    await app.sendDue();
    expect(
      party.received
        .slice(told)
        .map(({ claims }) => String(claims.aud))
        .sort(),
    ).toEqual([facilitator.clientId, wiki.clientId].sort());
  });

  it('ends every refresh token of the session, sent or not', async () => {
    const one = await signIn(app, realms.exeunt!, facilitator);
    const two = await signIn(app, realms.exeunt!, facilitator, one.person);
    await logout({ token: one.accessToken });
    for (const { accessToken, refreshToken } of [one, two]) {
      expectExpired(await probe(app, accessToken));
      expectCannotRefresh(await refresh(app, facilitator, refreshToken));
    }
  });

  it('takes the refresh token of another pair of the same session', async () => {
    const one = await signIn(app, realms.exeunt!, facilitator);
    const two = await signIn(app, realms.exeunt!, facilitator, one.person);
    expect((await logout({ token: one.accessToken, refresh_token: two.refreshToken })).status).toBe(200);
    for (const { accessToken } of [one, two]) expectExpired(await probe(app, accessToken));
    expectCannotRefresh(await refresh(app, facilitator, two.refreshToken));
  });

  it('answers a URL that takes the browser back to the application', async () => {
    const signedIn = await signIn(app, realms.exeunt!, facilitator);
    const { json } = await logout(both(signedIn));
    const { browser } = signedIn.person;
    let page = await browser.get(String(json.redirect));
    if (page.has('logout-yes')) page = await browser.submit(page, 'logout-yes');
    const state = new URL(String(json.redirect)).searchParams.get('state');
    expect(page.location).toBe(`${SIGNED_OUT_URI}?state=${state}`);
  });

  it('leaves post_logout_redirect_uri and state out where none is registered', async () => {
    const plain = await aFacilitator(app, { post_logout_redirect_uris: [] });
    const signedIn = await signIn(app, realms.exeunt!, plain);
    const parameters = redirectOf(await logout(both(signedIn), plain), realms.exeunt!.endSessionEndpoint);
    expect(parameters.map(([name]) => name)).toEqual(['id_token_hint']);
  });

  it('makes a hint that hands out no claims beside who and for whom', async () => {
    const signedIn = await signIn(app, realms.exeunt!, facilitator);
    const claims = decodeJwt(hintOf(await logout(both(signedIn))));
    expect(claims).toMatchObject({ iss: app.issuer, aud: facilitator.clientId, sub: signedIn.person.sub });
    for (const name of ['email', 'name', 'nonce']) expect(claims).not.toHaveProperty(name);
  });
});

describe('logout at an upstream', () => {
  async function expectRawHint(answer: EsAnswer, { person, nonce }: SignedIn): Promise<void> {
    const keys = createRemoteJWKSet(new URL(`${upstream.issuer}/jwks`));
    const { payload } = await jwtVerify(hintOf(answer), keys, { currentDate: app.clock.now() });
    expect(payload).toMatchObject({
      iss: upstream.issuer,
      aud: upstream.clientId,
      sub: person.sub,
      sid: person.sid,
      nonce,
    });
  }

  it('hints with the ID token as the upstream issued it', async () => {
    const signedIn = await signIn(app, realms.upstream!, facilitator);
    await expectRawHint(await logout(both(signedIn)), signedIn);
  });

  it('hints with it after refreshes too', async () => {
    const signedIn = await signIn(app, realms.upstream!, facilitator);
    const once = await refresh(app, facilitator, signedIn.refreshToken);
    const { json } = await refresh(app, facilitator, String(once.json.refresh_token));
    const body = { token: json.access_token, refresh_token: json.refresh_token };
    await expectRawHint(await logout(body), signedIn);
  });

  it("keeps the endpoint's own query: four parameters then", async () => {
    const other = await StubUpstream.start(app.clock);
    other.endSessionPath = '/end?tenant=a%20b';
    const realm = await upstreamRealm(app, other);
    const { json } = await logout(both(await signIn(app, realm, facilitator)));
    expect(json.redirect).toContain(`${other.origin}/end?tenant=a%20b&id_token_hint=`);
    expect([...new URL(String(json.redirect)).searchParams.keys()]).toEqual([
      'tenant',
      'id_token_hint',
      'post_logout_redirect_uri',
      'state',
    ]);
    await other.stop();
  });

  it('answers redirect null where the upstream has no end-session endpoint; here everything ends', async () => {
    const other = await StubUpstream.start(app.clock);
    other.endSessionPath = undefined;
    const signedIn = await signIn(app, await upstreamRealm(app, other), facilitator);
    const answer = await logout(both(signedIn));
    expect([answer.status, answer.text]).toEqual([200, '{"redirect":null}']);
    await expectSignedOut(signedIn);
    await other.stop();
  });

  it('leaves post_logout_redirect_uri and state out where none is registered', async () => {
    const other = await StubUpstream.start(app.clock);
    const realm = await upstreamRealm(app, other, { post_logout_redirect_uri: null });
    const parameters = redirectOf(await logout(both(await signIn(app, realm, facilitator))), realm.endSessionEndpoint);
    expect(parameters.map(([name]) => name)).toEqual(['id_token_hint']);
    await other.stop();
  });

  it('answers redirect null when the kept ID token cannot be opened any more', async () => {
    const signedIn = await signIn(app, realms.upstream!, facilitator);
    await app.db.query(`UPDATE session_upstreams SET id_token = 'sealed by a key that is gone' WHERE sub = $1`, [
      signedIn.person.sub,
    ]);
    const answer = await logout(both(signedIn));
    expect([answer.status, answer.text]).toEqual([200, '{"redirect":null}']);
    await expectSignedOut(signedIn);
  });

  it('needs nothing of the upstream: when it is down everything ends, and the URL is answered, on every node', async () => {
    const other = await StubUpstream.start(app.clock);
    const realm = await upstreamRealm(app, other);
    const [here, there] = [await signIn(app, realm, facilitator), await signIn(app, realm, facilitator)];
    await other.stop();
    expect(redirectOf(await logout(both(here)), realm.endSessionEndpoint)).toHaveLength(3);
    await expectSignedOut(here);

    // It never spoke to the upstream.
    const node = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
    const answer = await fetch(`http://localhost:${node.settings.port}${LOGOUT}`, {
      method: 'POST',
      body: JSON.stringify(both(there)),
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from(`${facilitator.clientId}:${facilitator.clientSecret}`).toString('base64')}`,
      },
    });
    expect(await answer.json()).toEqual({
      redirect: expect.stringMatching(new RegExp(`^${other.origin}/end\\?id_token_hint=.+&state=.+`)) as string,
    });
    await expectSignedOut(there);
    await node.stop();
  });

  it('is 400 when the realm was deleted meanwhile, which had ended the session already', async () => {
    const other = await StubUpstream.start(app.clock);
    const realm = await upstreamRealm(app, other);
    const signedIn = await signIn(app, realm, facilitator);
    await app.json('DELETE', `/admin/v1/upstreams/${realm.name}`, { token: await app.adminToken() });
    await expectSignedOut(signedIn);
    const answer = await changesNothing(app, { path: LOGOUT, as: facilitator, body: both(signedIn) });
    expectError(answer, 400, 'security_exception', `Authenticating realm [${realm.name}] does not exist`);
    await other.stop();
  });

  it('answers redirect null when the realm was registered anew meanwhile: its past is not the old one', async () => {
    const other = await StubUpstream.start(app.clock);
    const realm = await upstreamRealm(app, other);
    const signedIn = await signIn(app, realm, facilitator);
    await app.json('DELETE', `/admin/v1/upstreams/${realm.name}`, { token: await app.adminToken() });
    await upstreamRealm(app, other, { name: realm.name });
    const answer = await logout(both(signedIn));
    expect([answer.status, answer.text]).toEqual([200, '{"redirect":null}']);
    await other.stop();
  });

  it('goes to whoever issued the ID token when the realm was renamed meanwhile and another one has its name', async () => {
    const [other, successor] = await Promise.all([StubUpstream.start(app.clock), StubUpstream.start(app.clock)]);
    const realm = await upstreamRealm(app, other);
    const signedIn = await signIn(app, realm, facilitator);
    const renamed = await app.json('PATCH', `/admin/v1/upstreams/${realm.name}`, {
      token: await app.adminToken(),
      body: { name: `${realm.name}-old` },
    });
    expect(renamed.status).toBe(200);
    const again = await signIn(app, { ...realm, name: `${realm.name}-old` }, facilitator);
    expect(redirectOf(await logout(both(signedIn)), realm.endSessionEndpoint)).toHaveLength(3);
    await upstreamRealm(app, successor, { name: realm.name });
    expect(redirectOf(await logout(both(again)), realm.endSessionEndpoint)).toHaveLength(3);
    expect(redirectOf(await logout(both(signedIn)), realm.endSessionEndpoint)).toHaveLength(3);
    await expectSignedOut(signedIn);
    await Promise.all([other.stop(), successor.stop()]);
  });

  it('still works when the realm was disabled meanwhile', async () => {
    const other = await StubUpstream.start(app.clock);
    const realm = await upstreamRealm(app, other);
    const signedIn = await signIn(app, realm, facilitator);
    const body = { enabled: false };
    await app.json('PATCH', `/admin/v1/upstreams/${realm.name}`, { token: await app.adminToken(), body });
    expect(redirectOf(await logout(both(signedIn)), realm.endSessionEndpoint)).toHaveLength(3);
    await expectSignedOut(signedIn);
    await other.stop();
  });

  it('is not needed when the upstream itself tells us by its back channel (Back-Channel Logout 1.0 §2.7)', async () => {
    const signedIn = await signIn(app, realms.upstream!, facilitator);
    const { sub, sid } = signedIn.person;
    const told = party.received.length;
    const logoutToken = await upstream.logoutToken({ sub, sid });
    const { status } = await app.form('/api/v1/auth/oidc/backchannel-logout', { logout_token: logoutToken });
    expect(status).toBe(200);
    await expectSignedOut(signedIn);
    await app.sendDue();
    expect(party.received.slice(told).map(({ claims }) => claims.aud)).toEqual([facilitator.clientId]);
    expect(redirectOf(await logout(both(signedIn)), realms.upstream!.endSessionEndpoint)).toHaveLength(3);
  });

  it("does not fall for another upstream's logout token with the same sid", async () => {
    const other = await StubUpstream.start(app.clock);
    await upstreamRealm(app, other);
    const signedIn = await signIn(app, realms.upstream!, facilitator);
    const { sub, sid } = signedIn.person;
    const logoutToken = await other.logoutToken({ sub, sid });
    await app.form('/api/v1/auth/oidc/backchannel-logout', { logout_token: logoutToken });
    await expectSignedIn(signedIn);
    await other.stop();
  });
});

it("the documentation's example is answered as it says: unauthorized", async () => {
  const body = { token: DOCUMENTED_TOKEN, refresh_token: DOCUMENTED_REFRESH_TOKEN };
  expect((await changesNothing(app, { path: LOGOUT, as: facilitator, body })).status).toBe(401);
});

describe('ELASTICSEARCH_STRICT: field names as the original has them (wire/elasticsearch#logout)', () => {
  let strict: TestApp;
  let client: TestClient;

  beforeAll(async () => {
    strict = await TestApp.start({ elasticsearchStrict: true });
    client = await aFacilitator(strict);
  });
  afterAll(() => strict.stop());

  it('refuses access_token, before anything is written', async () => {
    const { accessToken } = await signIn(strict, ownRealm(strict), client);
    const body = { access_token: accessToken };
    const answer = await changesNothing(strict, { path: LOGOUT, as: client, body });
    const reason = '[1:2] [oidc_logout] unknown field [access_token] did you mean [refresh_token]?';
    expectError(answer, 400, 'x_content_parse_exception', reason);
    expect((await probe(strict, accessToken)).status).toBe(200);
  });

  it('takes token', async () => {
    const { accessToken } = await signIn(strict, ownRealm(strict), client);
    expect((await es(strict, { path: LOGOUT, as: client, body: { token: accessToken } })).status).toBe(200);
    expectExpired(await probe(strict, accessToken));
  });
});
