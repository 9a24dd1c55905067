import { authorizationUrl } from '../../../src/domain/upstreams/upstream-client.js';
import type { TestApp, TestClient } from '../../support/app.js';
import { StubUpstream } from '../../support/stub-upstream.js';
import { changesNothing, expectError, PREPARE, upstreamRealm, startScene, type EsAnswer, type Scene } from './scene.js';

let app: TestApp;
let upstream: StubUpstream;
let facilitator: TestClient;
let realms: Scene['realms'];

beforeAll(async () => {
  ({ app, upstream, facilitator, realms } = await startScene());
});
afterAll(() => Promise.all([app.stop(), upstream.stop()]));

function prepare(body: object): Promise<EsAnswer> {
  return changesNothing(app, { path: PREPARE, as: facilitator, body });
}

describe.each(['exeunt', 'upstream'])('prepare at the realm %s (wire/elasticsearch#prepare)', (kind) => {
  it('answers where to send the browser, and stores nothing', async () => {
    const realm = realms[kind]!;
    const { status, json } = await prepare({ realm: realm.name });
    expect(status).toBe(200);
    expect(json).toEqual({
      redirect: expect.stringMatching(/^http/) as string,
      state: expect.stringMatching(/^[\w-]{43}$/) as string,
      nonce: expect.stringMatching(/^[\w-]{43}$/) as string,
      realm: realm.name,
    });
    const redirect = new URL(String(json.redirect));
    expect(redirect.origin + redirect.pathname).toBe(realm.authorizationEndpoint);
    expect([...redirect.searchParams]).toEqual([
      ['scope', 'openid profile email'],
      ['response_type', 'code'],
      ['redirect_uri', realm.redirectUri(facilitator)],
      ['state', json.state],
      ['nonce', json.nonce],
      ['client_id', realm.clientId(facilitator)],
    ]);
    expect(redirect.search).toContain('scope=openid+profile+email&');
  });

  it('makes another state and nonce each time', async () => {
    const name = realms[kind]!.name;
    const [one, other] = [await prepare({ realm: name }), await prepare({ realm: name })];
    expect(one.json.state).not.toBe(other.json.state);
    expect(one.json.nonce).not.toBe(other.json.nonce);
  });

  it('finds the realm by its issuer and says which one it is', async () => {
    const realm = realms[kind]!;
    const { status, json } = await prepare({ iss: realm.issuer });
    expect([status, json.realm]).toEqual([200, realm.name]);
  });

  it('puts login_hint first, with an issuer as with a realm', async () => {
    const realm = realms[kind]!;
    for (const chosen of [{ iss: realm.issuer }, { realm: realm.name }]) {
      const { json } = await prepare({ ...chosen, login_hint: 'mia@example.test' });
      expect(new URL(String(json.redirect)).search).toMatch(/^\?login_hint=mia%40example.test&scope=/);
    }
  });

  it('uses the state and nonce that it is given', async () => {
    const given = { state: 'a state', nonce: 'a-nonce' };
    const { json } = await prepare({ realm: realms[kind]!.name, ...given });
    expect(json).toMatchObject(given);
    expect(Object.fromEntries(new URL(String(json.redirect)).searchParams)).toMatchObject(given);
  });

  it('takes blank fields for absent ones', async () => {
    const { status, json } = await prepare({
      realm: realms[kind]!.name,
      iss: ' ',
      state: '',
      nonce: '  ',
      login_hint: '',
    });
    expect(status).toBe(200);
    expect(json.state).toMatch(/^[\w-]{43}$/);
    expect(json.nonce).toMatch(/^[\w-]{43}$/);
    expect(json.redirect).not.toContain('login_hint');
  });
});

describe('what prepare refuses (wire/elasticsearch#prepare)', () => {
  it.each([
    ['neither realm nor iss', {}, 'one of [realm, issuer] must be provided'],
    ['two blank ones', { realm: ' ', iss: '' }, 'one of [realm, issuer] must be provided'],
    ['both', { realm: 'a', iss: 'b' }, 'only one of [realm, issuer] can be provided in the same request'],
  ])('%s', async (_name, body, problem) => {
    const reason = `Validation Failed: 1: ${problem};`;
    expectError(await prepare(body), 400, 'action_request_validation_exception', reason);
  });

  it('a realm that is not known: 400, where the original has 500', async () => {
    const reason = 'Cannot find OpenID Connect realm with name [nowhere]';
    expectError(await prepare({ realm: 'nowhere' }), 400, 'security_exception', reason);
  });

  it('an issuer that is not known to the letter', async () => {
    for (const iss of ['https://nobody.example.org', `${upstream.issuer}/`, upstream.issuer.toUpperCase()]) {
      const reason = `Cannot find OpenID Connect realm with issuer [${iss}]`;
      expectError(await prepare({ iss }), 400, 'security_exception', reason);
    }
  });

  it('an issuer of two realms', async () => {
    const twin = await upstreamRealm(app, upstream, { client_id: 'exeunt-2' });
    const reason = `Found multiple OpenID Connect realm with issuer [${upstream.issuer}]`;
    expectError(await prepare({ iss: upstream.issuer }), 400, 'security_exception', reason);
    await app.json('DELETE', `/admin/v1/upstreams/${twin.name}`, { token: await app.adminToken() });
  });

  it.each([
    ['is disabled', { enabled: false }],
    ['is not open to this dialect', { dialects: ['vmware-csp'] }],
    ['is for other clients', { clients: ['somebody-else'] }],
    ['has no redirect URI for facilitators', { redirect_uri: null }],
  ])('a realm that %s, as if it were not there', async (_name, overrides) => {
    const closed = await upstreamRealm(app, upstream, { client_id: 'exeunt-3', ...overrides });
    const reason = `Cannot find OpenID Connect realm with name [${closed.name}]`;
    expectError(await prepare({ realm: closed.name }), 400, 'security_exception', reason);
    expect((await prepare({ iss: upstream.issuer })).json.realm).toBe(realms.upstream!.name);
    await app.json('DELETE', `/admin/v1/upstreams/${closed.name}`, { token: await app.adminToken() });
  });
});

it('cannot prepare at a realm that was never reached: 503, which clients send again', async () => {
  const gone = await StubUpstream.start(app.clock);
  const { name } = await upstreamRealm(app, gone);
  await gone.stop();
  const answer = await prepare({ realm: name });
  expectError(answer, 503, 'exception', 'We cannot answer just now. Please try again.');
  expect(answer.headers.get('retry-after')).toBe('5');
});

it("keeps the authorization endpoint's own query", () => {
  const parameters = { redirectUri: 'https://rp.example.org/cb', state: 's', nonce: 'n' };
  expect(authorizationUrl('https://op.example.org/authorize?tenant=a', 'rp', ['openid'], parameters)).toBe(
    'https://op.example.org/authorize?tenant=a&scope=openid&response_type=code&redirect_uri=https%3A%2F%2Frp.example.org%2Fcb&state=s&nonce=n&client_id=rp',
  );
});
