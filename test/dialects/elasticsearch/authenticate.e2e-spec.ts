import type { TestApp, TestClient } from '../../support/app.js';
import { SECOND } from '../../support/clock.js';
import { StubUpstream } from '../../support/stub-upstream.js';
import { promptNone } from '../../rp-initiated-logout/end-session.js';
import {
  aFacilitator,
  AUTHENTICATE,
  BASIC_OR_BEARER,
  broughtBack,
  changesNothing,
  es,
  expectError,
  liveSessions,
  probe,
  signIn,
  upstreamRealm,
  type BroughtBack,
  startScene,
  type EsAnswer,
  type Scene,
  type Person,
  type TestRealm,
} from './scene.js';

const REFUSAL =
  'unable to authenticate user [<OIDC Token>] for action [cluster:admin/xpack/security/oidc/authenticate]';

let app: TestApp;
let upstream: StubUpstream;
let facilitator: TestClient;
let realms: Scene['realms'];

beforeAll(async () => {
  ({ app, upstream, facilitator, realms } = await startScene());
});
afterAll(() => Promise.all([app.stop(), upstream.stop()]));
afterEach(() => {
  upstream.idTokenClaims = {};
  upstream.tokenType = 'Bearer';
  upstream.down.clear();
});

function authenticate(body: object, as = facilitator): Promise<EsAnswer> {
  return es(app, { path: AUTHENTICATE, as, body });
}

function expectRefused(answer: EsAnswer): void {
  expectError(answer, 401, 'security_exception', REFUSAL, BASIC_OR_BEARER);
}

/** It changes nothing, and what the browser brought is still good when it is handed over as it should be. */
async function expectRefusedAndUnused(good: BroughtBack, body: object, as = facilitator): Promise<void> {
  expectRefused(await changesNothing(app, { path: AUTHENTICATE, as, body }));
  expect((await authenticate(good)).status).toBe(200);
}

function changed(good: BroughtBack, change: (parameters: URLSearchParams) => void): BroughtBack {
  const url = new URL(good.redirect_uri);
  change(url.searchParams);
  return { ...good, redirect_uri: url.href };
}

describe.each(['exeunt', 'upstream'])('authenticate at the realm %s (wire/elasticsearch#authenticate)', (kind) => {
  let realm: TestRealm;
  beforeAll(() => {
    realm = realms[kind]!;
  });

  it('answers tokens of ours, by documentation and by code alike', async () => {
    const { person, answer, accessToken } = await signIn(app, realm, facilitator);
    expect(answer.json).toEqual({
      access_token: expect.stringMatching(/^\S+$/) as string,
      refresh_token: expect.stringMatching(/^[\w-]{96}$/) as string,
      type: 'Bearer',
      expires_in: app.settings.accessTokenTtlSeconds,
      username: person.login,
      authentication: (await probe(app, accessToken)).json,
    });
  });

  it('begins a session here', async () => {
    const { person } = await signIn(app, realm, facilitator);
    expect(await liveSessions(app, person.login)).toBe(1);
  });

  it.each([
    ['named', () => ({ realm: realm.name })],
    ['null', () => ({ realm: null })],
    ['left out', () => ({})],
  ])('takes a realm that is %s', async (_name, named) => {
    const body = { ...(await broughtBack(app, realm, facilitator)), ...named() };
    expect((await authenticate(body)).status).toBe(200);
  });

  it('takes path and query for the whole address, as Kibana sends it', async () => {
    const body = await broughtBack(app, realm, facilitator);
    const { pathname, search } = new URL(body.redirect_uri);
    expect((await authenticate({ ...body, redirect_uri: pathname + search })).status).toBe(200);
  });

  it('needs no iss in the answer when the realm is named', async () => {
    const body = await broughtBack(app, realm, facilitator);
    const without = changed(body, (parameters) => parameters.delete('iss'));
    // A provider that says it sends one must (RFC 9207 §2.4); we do not ask it of ourselves.
    const { status } = await authenticate({ ...without, realm: realm.name });
    expect(status).toBe(kind === 'exeunt' ? 200 : 401);
  });

  it.each([
    ['another state', (good: BroughtBack) => ({ ...good, state: 'x'.repeat(43) })],
    ['a state in another case', (good: BroughtBack) => ({ ...good, state: good.state.toUpperCase() })],
    ['no state in the address', (good: BroughtBack) => changed(good, (query) => query.delete('state'))],
    ['two states in the address', (good: BroughtBack) => changed(good, (query) => query.append('state', good.state))],
    ["the provider's error", (good: BroughtBack) => changed(good, (query) => query.set('error', 'access_denied'))],
    ['no code', (good: BroughtBack) => changed(good, (query) => query.delete('code'))],
    ['two codes', (good: BroughtBack) => changed(good, (query) => query.append('code', 'x'))],
    ['an unknown code', (good: BroughtBack) => changed(good, (query) => query.set('code', 'x'.repeat(43)))],
    [
      'the issuer of somebody else',
      (good: BroughtBack) => changed(good, (query) => query.set('iss', 'https://e.test')),
    ],
    ['an address that is none', (good: BroughtBack) => ({ ...good, redirect_uri: 'http://[' })],
    ['a realm that is not there', (good: BroughtBack) => ({ ...good, realm: 'nowhere' })],
    ['an empty realm', (good: BroughtBack) => ({ ...good, realm: '' })],
  ])('refuses %s with the one answer, and nothing changed', async (_name, forge) => {
    const good = await broughtBack(app, realm, facilitator);
    await expectRefusedAndUnused(good, forge(good));
  });

  it('refuses another realm’s name: a code goes to the provider that issued it and to no other (RFC 9700 §4.4)', async () => {
    const good = await broughtBack(app, realm, facilitator);
    const other = realms[kind === 'exeunt' ? 'upstream' : 'exeunt']!;
    const asked = upstream.tokenRequests.length;
    expectRefused(
      await changesNothing(app, { path: AUTHENTICATE, as: facilitator, body: { ...good, realm: other.name } }),
    );
    expect(upstream.tokenRequests).toHaveLength(asked);
  });

  it('refuses another nonce, and hands nothing out (threat-model#callback-used-twice)', async () => {
    const person = await realm.aPerson(app);
    const good = await broughtBack(app, realm, facilitator, person);
    expectRefused(await authenticate({ ...good, nonce: 'x'.repeat(43) }));
    // The code is used up, wherever it came from.
    expectRefused(await authenticate(good));
    const [row] = await app.db.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM grants g JOIN accounts a ON a.id = g.account_id
        WHERE a.login = $1 AND g.refresh_root_hash IS NOT NULL AND g.revoked_at IS NULL`,
      [person.login],
    );
    expect(row?.n).toBe(0);
  });

  it('refuses a code that was used before', async () => {
    const good = await broughtBack(app, realm, facilitator);
    expect((await authenticate(good)).status).toBe(200);
    expectRefused(await authenticate(good));
  });

  it('refuses a person whose account is disabled', async () => {
    const person = await realm.aPerson(app);
    await signIn(app, realm, facilitator, person);
    const good = await broughtBack(app, realm, facilitator, person);
    await setDisabled(person, true);
    expectRefused(await changesNothing(app, { path: AUTHENTICATE, as: facilitator, body: good }));
  });

  it('keeps the code out of the log, and says there why it refused', async () => {
    const good = await broughtBack(app, realm, facilitator);
    const code = new URL(good.redirect_uri).searchParams.get('code') ?? '';
    await authenticate({ ...good, state: 'x' });
    expect(app.logger.lines.join('\n')).toContain('authentication at a realm failed: state does not fit');
    await authenticate(good);
    expect(code).not.toBe('');
    for (const secret of [code, good.state, good.nonce]) expect(app.logger.lines.join('\n')).not.toContain(secret);
  });
});

async function setDisabled({ login }: Person, disabled: boolean): Promise<void> {
  await app.db.query('UPDATE accounts SET disabled_at = $2 WHERE login = $1', [
    login,
    disabled ? app.clock.now() : null,
  ]);
}

describe('what is missing is said all at once (wire/elasticsearch#authenticate)', () => {
  const state = 'state parameter is missing';
  const nonce = 'nonce parameter is missing';
  const redirectUri = 'redirect_uri parameter is missing';

  it.each([
    ['everything', {}, `1: ${state};2: ${nonce};3: ${redirectUri};`],
    ['blank ones', { state: ' ', nonce: '', redirect_uri: ' ' }, `1: ${state};2: ${nonce};3: ${redirectUri};`],
    ['state', { nonce: 'n', redirect_uri: '/cb' }, `1: ${state};`],
    ['nonce and redirect_uri', { state: 's', realm: null }, `1: ${nonce};2: ${redirectUri};`],
  ])('%s', async (_name, body, problems) => {
    const answer = await changesNothing(app, { path: AUTHENTICATE, as: facilitator, body });
    expectError(answer, 400, 'action_request_validation_exception', `Validation Failed: ${problems}`);
  });
});

describe('authenticate at the realm exeunt', () => {
  it("goes on with the browser's session", async () => {
    const { person } = await signIn(app, realms.exeunt!, facilitator);
    expect(await promptNone(app, person.browser, facilitator)).toBe('code');
  });

  it("refuses another facilitator's code, which stays good for its own", async () => {
    const good = await broughtBack(app, realms.exeunt!, facilitator);
    await expectRefusedAndUnused(good, good, await aFacilitator(app));
  });
});

describe('authenticate at an upstream', () => {
  it('redeems the code with the registered redirect URI, not with the address it was handed', async () => {
    const good = await broughtBack(app, realms.upstream!, facilitator);
    const elsewhere = good.redirect_uri.replace('https://kibana.example.com', 'http://10.0.0.7:5601');
    expect((await authenticate({ ...good, redirect_uri: elsewhere })).status).toBe(200);
    expect(upstream.tokenRequests.at(-1)?.get('redirect_uri')).toBe(realms.upstream!.redirectUri(facilitator));
  });

  it("drops the upstream's access token", async () => {
    const { answer } = await signIn(app, realms.upstream!, facilitator);
    expect(answer.text).not.toContain('upstream-access-token');
    expect(app.logger.lines.join('\n')).not.toContain('upstream-access-token');
  });

  it('finds the same person again, in a session of their own', async () => {
    const { person } = await signIn(app, realms.upstream!, facilitator);
    await signIn(app, realms.upstream!, facilitator, person);
    expect(await liveSessions(app, person.login)).toBe(2);
  });

  it.each([
    ['another audience', { aud: 'somebody-else' }],
    ['another issuer', { iss: 'https://evil.example.org' }],
    ['an expiry that has passed', { exp: 1 }],
    ['an at_hash of another token', { at_hash: 'x'.repeat(22) }],
    ['another nonce', { nonce: 'another' }],
    ['no sub', { sub: undefined }],
  ])('refuses an ID token with %s', async (_name, claims) => {
    upstream.idTokenClaims = claims;
    const body = await broughtBack(app, realms.upstream!, facilitator);
    expectRefused(await changesNothing(app, { path: AUTHENTICATE, as: facilitator, body }));
  });

  it('takes an ID token that expired within the skew of clocks', async () => {
    upstream.idTokenClaims = { exp: app.clock.seconds() - 30 };
    expect((await signIn(app, realms.upstream!, facilitator)).answer.status).toBe(200);
  });

  it('refuses a token type other than Bearer', async () => {
    upstream.tokenType = 'mac';
    const body = await broughtBack(app, realms.upstream!, facilitator);
    expectRefused(await changesNothing(app, { path: AUTHENTICATE, as: facilitator, body }));
  });

  it('reads the keys anew when the provider signs with another', async () => {
    await signIn(app, realms.upstream!, facilitator);
    await upstream.rotateKeys();
    // Keys are not asked for again within ten seconds, by the steady clock.
    const later = app.clock.steady() + 11 * SECOND;
    vi.spyOn(app.clock, 'steady').mockReturnValue(later);
    try {
      expect((await signIn(app, realms.upstream!, facilitator)).answer.status).toBe(200);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('gives no account to strangers where the operator wants accounts to be linked first', async () => {
    const closed = await upstreamRealm(app, upstream, { client_id: 'exeunt-4', creates_accounts: false });
    const token = await app.adminToken();
    upstream.idTokenClaims = { aud: 'exeunt-4' };
    const body = { ...(await broughtBack(app, closed, facilitator)), realm: closed.name };
    expectRefused(await changesNothing(app, { path: AUTHENTICATE, as: facilitator, body }));
    await app.json('DELETE', `/admin/v1/upstreams/${closed.name}`, { token });
  });

  it('tries nothing when it cannot tell which of two realms answered', async () => {
    const twin = await upstreamRealm(app, upstream, { client_id: 'exeunt-5' });
    const body = await broughtBack(app, realms.upstream!, facilitator);
    const asked = upstream.tokenRequests.length;
    expectRefused(await changesNothing(app, { path: AUTHENTICATE, as: facilitator, body }));
    expect(upstream.tokenRequests).toHaveLength(asked);
    await app.json('DELETE', `/admin/v1/upstreams/${twin.name}`, { token: await app.adminToken() });
  });

  it('changes nothing when the provider does not redeem the code just now, and may be asked again', async () => {
    const body = await broughtBack(app, realms.upstream!, facilitator);
    upstream.down.add('/token');
    const answer = await changesNothing(app, { path: AUTHENTICATE, as: facilitator, body });
    expectRefused(answer);
    upstream.down.clear();
    expect((await authenticate(body)).status).toBe(200);
  });

  it('changes nothing when the provider cannot be reached: 503, which clients send again', async () => {
    const gone = await StubUpstream.start(app.clock);
    const realm = await upstreamRealm(app, gone);
    const body = { ...(await broughtBack(app, realm, facilitator)), realm: realm.name };
    await gone.stop();
    const answer = await changesNothing(app, { path: AUTHENTICATE, as: facilitator, body });
    expectError(answer, 503, 'exception', 'We cannot answer just now. Please try again.');
  });
});
