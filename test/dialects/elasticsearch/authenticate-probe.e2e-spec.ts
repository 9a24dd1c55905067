import type { TestApp, TestClient } from '../../support/app.js';
import { MINUTE } from '../../support/clock.js';
import type { StubUpstream } from '../../support/stub-upstream.js';
import {
  aFacilitator,
  BASIC_OR_BEARER,
  changesNothing,
  es,
  expectError,
  expectExpired,
  LOGOUT,
  MALFORMED,
  probe,
  PROBE,
  signIn,
  TOKEN,
  startScene,
  type EsAnswer,
  type Scene,
} from './scene.js';

let app: TestApp;
let upstream: StubUpstream;
let facilitator: TestClient;
let realms: Scene['realms'];

beforeAll(async () => {
  ({ app, upstream, facilitator, realms } = await startScene());
});
afterAll(() => Promise.all([app.stop(), upstream.stop()]));

function withCredential(authorization: string): Promise<EsAnswer> {
  return changesNothing(app, { path: PROBE, headers: { authorization } });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

describe("_authenticate with a person's token (wire/elasticsearch#who-is-it)", () => {
  it.each([
    ['exeunt', 'Mia Example'],
    ['upstream', 'Ada Upstream'],
  ])('says who it is, at the realm %s', async (kind, name) => {
    const realm = realms[kind]!;
    const { person, accessToken } = await signIn(app, realm, facilitator);
    const email = kind === 'exeunt' ? person.login : `${person.sub}@example.org`;
    const { status, json } = await probe(app, accessToken);
    expect(status).toBe(200);
    expect(json).toEqual({
      username: person.login,
      roles: [],
      full_name: name,
      email,
      metadata: {
        'oidc(sub)': person.sub,
        'oidc(iss)': realm.issuer,
        'oidc(name)': name,
        'oidc(email)': email,
        ...(kind === 'exeunt' ? {} : { 'oidc(preferred_username)': person.sub }),
      },
      enabled: true,
      authentication_realm: { name: realm.name, type: 'oidc' },
      lookup_realm: { name: realm.name, type: 'oidc' },
      authentication_type: 'token',
    });
  });

  it('says null for what is not known', async () => {
    const { login } = await app.createAccount(undefined, { name: undefined, email: undefined });
    const browser = app.browser();
    const tokens = await app.signInTo(browser, facilitator, login);
    expect((await probe(app, tokens.access_token)).json).toMatchObject({ username: login, email: null });
  });

  it.each(['exeunt', 'upstream'])('is 200 before a logout and 401 `token expired` after it, at %s', async (kind) => {
    const { accessToken } = await signIn(app, realms[kind]!, facilitator);
    expect((await probe(app, accessToken)).status).toBe(200);
    await es(app, { path: LOGOUT, as: facilitator, body: { token: accessToken } });
    expectExpired(await probe(app, accessToken));
  });

  it('is 401 when the token has expired', async () => {
    const { accessToken } = await signIn(app, realms.exeunt!, facilitator);
    app.clock.advance(app.settings.accessTokenTtlSeconds * 1000 + MINUTE);
    expectExpired(await probe(app, accessToken));
  });

  it('is 401 when the account was disabled', async () => {
    const { person, accessToken } = await signIn(app, realms.exeunt!, facilitator);
    await app.db.query('UPDATE accounts SET disabled_at = $2 WHERE login = $1', [person.login, app.clock.now()]);
    expectExpired(await probe(app, accessToken));
  });
});

describe("_authenticate with a client's credential", () => {
  function expectClient({ status, json }: EsAnswer, type: string, more: object = {}): void {
    expect(status).toBe(200);
    expect(json).toEqual({
      username: facilitator.clientId,
      roles: ['manage_oidc', 'manage_token'],
      full_name: 'Kibana',
      email: null,
      metadata: {},
      enabled: true,
      authentication_realm: { name: 'exeunt', type: 'native' },
      lookup_realm: { name: 'exeunt', type: 'native' },
      authentication_type: type,
      ...more,
    });
  }

  it('Basic, as Elasticsearch clients write it and as OAuth clients do', async () => {
    const { clientId, clientSecret } = facilitator;
    expectClient(await withCredential(`Basic ${base64(`${clientId}:${clientSecret}`)}`), 'realm');
    const encoded = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
    expectClient(await withCredential(`basic  ${base64(encoded)}`), 'realm');
  });

  it('ApiKey', async () => {
    const { clientId, clientSecret } = facilitator;
    const answer = await withCredential(`ApiKey ${base64(`${clientId}:${clientSecret}`)}`);
    expectClient(answer, 'api_key', { api_key: { id: clientId, name: 'Kibana' } });
  });

  it('Bearer with a token of its own, until that is invalidated', async () => {
    const body = { grant_type: 'client_credentials' };
    const { json } = await es(app, { path: TOKEN, as: facilitator, body });
    const token = String(json.access_token);
    expectClient(await probe(app, token), 'token');
    await es(app, { method: 'DELETE', path: TOKEN, as: facilitator, body: { token } });
    expectExpired(await probe(app, token));
  });

  it('no Bearer with a token that is for another resource (RFC 9068 §4)', async () => {
    const client = await aFacilitator(app, { audience: ['https://api.example.org'] });
    const { json } = await es(app, { path: TOKEN, as: client, body: { grant_type: 'client_credentials' } });
    expectExpired(await probe(app, String(json.access_token)));
  });

  it('no secret of a client that authenticates otherwise', async () => {
    const client = await aFacilitator(app, { token_endpoint_auth_method: 'none', grant_types: ['authorization_code'] });
    const answer = await withCredential(`Basic ${base64(`${client.clientId}:`)}`);
    const reason = `unable to authenticate user [${client.clientId}] for REST request [${PROBE}]`;
    expectError(answer, 401, 'security_exception', reason, BASIC_OR_BEARER);
  });
});

describe('a credential that is not good is 401 (wire/elasticsearch#privileges)', () => {
  const missing = `missing authentication credentials for REST request [${PROBE}]`;
  const invalidBasic = 'invalid basic authentication header value';
  const unable = `unable to authenticate user [nobody] for REST request [${PROBE}]`;

  it('none at all', async () => {
    expectError(await changesNothing(app, { path: PROBE }), 401, 'security_exception', missing, BASIC_OR_BEARER);
  });

  it.each([
    ['of a scheme that is not known', 'Digest username="mia"', missing],
    ['of an unknown client', `Basic ${base64('nobody:secret')}`, unable],
    ['of an unknown API key', `ApiKey ${base64('nobody:secret')}`, unable],
    ['without a colon', `Basic ${base64('nobody')}`, invalidBasic],
    ['that is not base64', 'Basic %%%', invalidBasic],
    ['with nothing in it', 'Basic', invalidBasic],
  ])('%s', async (_name, authorization, reason) => {
    expectError(await withCredential(authorization), 401, 'security_exception', reason, BASIC_OR_BEARER);
  });

  it('a wrong secret is answered like an unknown client', async () => {
    const answer = await withCredential(`Basic ${base64(`${facilitator.clientId}:wrong`)}`);
    const reason = `unable to authenticate user [${facilitator.clientId}] for REST request [${PROBE}]`;
    expectError(answer, 401, 'security_exception', reason, BASIC_OR_BEARER);
  });

  it.each(['Bearer garbage', 'Bearer a.b.c', 'Bearer eyJhbGciOiJub25lIn0.e30.'])('%s', async (authorization) => {
    expectExpired(await withCredential(authorization));
  });

  it.each(['Bearer', 'Bearer a b', 'Bearer "x"'])('%s, which has not the form of a token', async (authorization) => {
    expectError(await withCredential(authorization), 401, 'security_exception', 'token malformed', MALFORMED);
  });
});
