import { createServer, type Server } from 'node:http';
import { decodeJwt } from 'jose';
import { JwtSigner } from '../../../src/platform/keys/jwt-signer.js';
import { OrganizationsService } from '../../../src/domain/upstreams/organizations.service.js';
import { UpstreamSessions } from '../../../src/domain/upstreams/upstream-sessions.service.js';
import type { Upstream } from '../../../src/domain/upstreams/upstream.js';
import { UpstreamsService } from '../../../src/domain/upstreams/upstreams.service.js';
import { TestApp, type TestClient, type Tokens } from '../../support/app.js';
import { HOUR, TestClock } from '../../support/clock.js';
import type { Browser } from '../../support/http.js';
import { freePort } from '../../support/ports.js';
import { terminationsOf } from '../../back-channel-logout/scene.js';
import {
  anApplication,
  promptNone,
  SIGNED_OUT_URI,
  type TestApplication,
} from '../../rp-initiated-logout/end-session.js';
import {
  csp,
  expectCspError,
  parametersOf,
  rowsBesidesLimits,
  V1,
  V2,
  type CspAnswer,
  type CspRequest,
} from './scene.js';

const BACK = 'https://id.example.com/back';

/** Somebody who came by way of the other provider. */
interface Federated {
  readonly browser: Browser;
  readonly client: TestApplication;
  readonly accountId: string;
  /** Ours. */
  readonly tokens: Tokens;
  /** The other provider's ID token: the session keeps it. */
  readonly theirIdToken: string;
}

let app: TestApp;
/** The other provider, which is one more of us. */
let corporate: TestApp;
let clientThere: TestClient;
let upstream: Upstream;
let theirEndSession: string;
const clock = new TestClock();

beforeAll(async () => {
  corporate = await TestApp.start({}, { clock });
  app = await TestApp.start({}, { clock });
  theirEndSession = `${corporate.issuer}/session/end_session`;
  clientThere = await corporate.createClient({ client_name: 'Exeunt', post_logout_redirect_uris: [BACK] });
  upstream = await app.app.get(UpstreamsService).register({
    name: 'corporate',
    issuer: corporate.issuer,
    client_id: clientThere.clientId,
    client_secret: clientThere.clientSecret,
    post_logout_redirect_uri: BACK,
  });
  await organization('acme', 'corporate');
  await organization('local', null);
});
afterAll(() => Promise.all([app.stop(), corporate.stop()]));

async function organization(id: string, upstreamName: string | null): Promise<void> {
  await app.app.get(OrganizationsService).create({ id, upstream: upstreamName });
}

/** As an application of the other provider gets it. */
async function idTokenFromThere(client = clientThere): Promise<string> {
  const { login } = await corporate.createAccount();
  return (await corporate.signInTo(corporate.browser(), client, login)).id_token;
}

async function aFederatedPerson(): Promise<Federated> {
  const theirIdToken = await idTokenFromThere();
  const { sub = '', sid, iat: issuedAt = 0 } = decodeJwt<{ sid?: string }>(theirIdToken);
  const login = `${sub}@corporate.example.com`;
  const claims = { email: login, email_verified: true };
  const person = { issuer: corporate.issuer, sub, sid, issuedAt, amr: [], claims, idToken: theirIdToken };
  const from = { address: '127.0.0.1', userAgent: undefined };
  const signIn = await app.app.get(UpstreamSessions).begin(upstream, person, from, undefined);
  if (signIn.kind !== 'signed_in') throw new Error(signIn.kind);
  const browser = app.browser();
  browser.setCookie('exeunt_session', signIn.started.cookie);
  const client = await anApplication(app);
  const tokens = await app.signInTo(browser, client, login);
  return { browser, client, accountId: signIn.accountId, tokens, theirIdToken };
}

async function changesNothing(person: Federated, request: CspRequest): Promise<CspAnswer> {
  const before = await rowsBesidesLimits(app);
  const answer = await csp(app, request);
  expect(await rowsBesidesLimits(app)).toEqual(before);
  expect(answer.headers.getSetCookie()).toEqual([]);
  expect(await promptNone(app, person.browser, person.client)).toBe('code');
  return answer;
}

describe('the organization (wire/vmware-csp#organization)', () => {
  it.each([
    ['orgId', { orgId: 'acme' }],
    ['orgLink', { orgLink: '/csp/am/api/orgs/acme' }],
    ["orgLink with the gateway's part", { orgLink: '/csp/gateway/am/api/orgs/acme' }],
    ['both, when they agree', { orgId: 'acme', orgLink: '/csp/am/api/orgs/acme' }],
  ])('by %s: the URL is that of its identity provider', async (_name, query) => {
    expect((await csp(app, { query })).json).toEqual({ url: theirEndSession });
  });

  it('by orgId in v2', async () => {
    const answer = await csp(app, { path: V2, query: { orgId: 'acme', orgLink: '/csp/am/api/orgs/local' } });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, theirEndSession]);
  });

  it.each<Record<string, string>>([{ orgId: 'local' }, { orgId: '' }, {}])(
    'of ours, and none: %j gives our own URL',
    async (query) => {
      expect((await csp(app, { query })).json).toEqual({ url: `${app.issuer}/session/end_session` });
    },
  );

  it("that of the cookie's session, when none is named, and only for whoever has the cookie", async () => {
    const person = await aFederatedPerson();
    const body = { idToken: person.tokens.id_token };
    expect((await csp(app, { body })).json).toEqual({
      url: `${app.issuer}/session/end_session?id_token_hint=${person.tokens.id_token}`,
    });
    const other = await aFederatedPerson();
    expect((await csp(app, { browser: other.browser })).json).toEqual({
      url: `${theirEndSession}?id_token_hint=${other.theirIdToken}`,
    });
  });

  it('the default one, when none is named', async () => {
    const organizations = app.app.get(OrganizationsService);
    await organizations.update('acme', { default: true });
    try {
      expect((await csp(app)).json).toEqual({ url: theirEndSession });
      expect((await csp(app, { query: { orgId: 'local' } })).json).toEqual({
        url: `${app.issuer}/session/end_session`,
      });
    } finally {
      await organizations.update('acme', { default: false });
    }
  });

  it.each([
    ['orgId and orgLink that differ', { orgId: 'acme', orgLink: '/csp/am/api/orgs/local' }, 409, 'ORG_MISMATCH'],
    ['an orgId that nobody registered', { orgId: 'nowhere' }, 404, 'ORG_NOT_FOUND'],
    ['an orgLink to one that nobody registered', { orgLink: '/csp/am/api/orgs/nowhere' }, 404, 'ORG_NOT_FOUND'],
    ['an orgId in another case', { orgId: 'ACME' }, 404, 'ORG_NOT_FOUND'],
    ['an orgLink of another form', { orgLink: '/orgs/acme' }, 400, 'ORG_LINK_INVALID'],
    ['an orgLink with a host', { orgLink: 'https://evil.example.com/csp/am/api/orgs/acme' }, 400, 'ORG_LINK_INVALID'],
  ])('refuses %s', async (_name, query, status, code) => {
    const person = await aFederatedPerson();
    const body = { idToken: person.tokens.id_token };
    expectCspError(await changesNothing(person, { query, browser: person.browser, body }), status, code);
  });
});

describe('an ID token of another provider (wire/vmware-csp#who-is-meant)', () => {
  it.each<Record<string, string>>([{}, { orgId: 'acme' }])(
    'is the hint for that provider, with %j, and ends nothing here',
    async (query) => {
      const person = await aFederatedPerson();
      const answer = await changesNothing(person, { query, body: { idToken: person.theirIdToken } });
      expect(answer.json).toEqual({ url: `${theirEndSession}?id_token_hint=${person.theirIdToken}` });
    },
  );

  it('may have expired', async () => {
    const idToken = await idTokenFromThere();
    clock.advance(2 * HOUR);
    expect((await csp(app, { body: { idToken } })).json).toEqual({
      url: `${theirEndSession}?id_token_hint=${idToken}`,
    });
  });

  it('leads to a page there that takes the browser back to us', async () => {
    const { login } = await corporate.createAccount();
    const browser = corporate.browser();
    const { id_token: idToken } = await corporate.signInTo(browser, clientThere, login);
    const query = { post_logout_redirect_uri: BACK, state: 'n7' };
    const { json } = await csp(app, { query, body: { idToken } });
    expect(parametersOf(json.url)).toEqual([
      ['id_token_hint', idToken],
      ['post_logout_redirect_uri', BACK],
      ['state', 'n7'],
    ]);
    expect((await browser.submit(await browser.get(String(json.url)), 'logout-yes')).location).toBe(`${BACK}?state=n7`);
  });

  it('ends the session of the cookie beside it', async () => {
    const { browser, client, theirIdToken, accountId } = await aFederatedPerson();
    const answer = await csp(app, { browser, body: { idToken: theirIdToken } });
    expect(answer.json).toEqual({ url: `${theirEndSession}?id_token_hint=${theirIdToken}` });
    expect(await promptNone(app, browser, client)).toBe('login_required');
    expect(await terminationsOf(app, accountId)).toMatchObject([
      { cause: 'csp_logout', initiator: { kind: 'user', accountId } },
    ]);
  });

  it.each<[string, CspRequest['query'], number, string]>([
    ['an organization of ours', { orgId: 'local' }, 409, 'ORG_NOT_FEDERATED'],
    [
      "a redirect URI of a client's of ours",
      { post_logout_redirect_uri: SIGNED_OUT_URI },
      400,
      'REDIRECT_URI_NOT_REGISTERED',
    ],
    ['a redirect URI with a slash more', { post_logout_redirect_uri: `${BACK}/` }, 400, 'REDIRECT_URI_NOT_REGISTERED'],
  ])('is refused with %s', async (_name, query, status, code) => {
    const person = await aFederatedPerson();
    for (const path of [V1, V2]) {
      const request = { path, query, browser: person.browser, body: { idToken: person.theirIdToken } };
      expectCspError(await changesNothing(person, request), status, code);
    }
  });

  it("is refused beside another person's cookie", async () => {
    const [person, other] = [await aFederatedPerson(), await aFederatedPerson()];
    const request = { browser: person.browser, body: { idToken: other.theirIdToken } };
    expectCspError(await changesNothing(person, request), 409, 'USER_MISMATCH');
  });

  it.each<[string, (person: Federated) => Promise<string>]>([
    [
      'was issued to somebody else there (threat-model#foreign-hint)',
      async () => idTokenFromThere(await corporate.createClient()),
    ],
    [
      'has a signature of ours',
      ({ theirIdToken }) => app.app.get(JwtSigner).sign('RS256', 'JWT', { ...decodeJwt(theirIdToken) }),
    ],
    [
      'is a logout token (threat-model#token-confusion)',
      async ({ theirIdToken }) =>
        corporate.app.get(JwtSigner).sign('RS256', 'logout+jwt', {
          ...decodeJwt(theirIdToken),
          events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        }),
    ],
  ])('is refused when it %s', async (_name, forge) => {
    const person = await aFederatedPerson();
    const request = { browser: person.browser, body: { idToken: await forge(person) } };
    expectCspError(await changesNothing(person, request), 404, 'ID_TOKEN_INVALID');
  });
});

describe('the ID token that a session keeps (wire/vmware-csp#the-url)', () => {
  const query = { orgId: 'acme' };

  it('is the hint, for whoever shows the cookie', async () => {
    const { browser, client, theirIdToken } = await aFederatedPerson();
    const { json } = await csp(app, { query, browser });
    expect(json).toEqual({ url: `${theirEndSession}?id_token_hint=${theirIdToken}` });
    expect(await promptNone(app, browser, client)).toBe('login_required');
  });

  it('is the hint beside an ID token of ours, which the other provider could not read', async () => {
    const { browser, client, tokens, theirIdToken } = await aFederatedPerson();
    const redirect = { post_logout_redirect_uri: client.postLogoutRedirectUri, state: 'n7' };
    const { json } = await csp(app, { query: { ...query, ...redirect }, browser, body: { idToken: tokens.id_token } });
    expect(parametersOf(json.url)).toEqual([['id_token_hint', theirIdToken], ...Object.entries(redirect)]);
  });

  it('is not handed out for an ID token alone, though that ends the session', async () => {
    const { browser, client, tokens } = await aFederatedPerson();
    expect((await csp(app, { query, body: { idToken: tokens.id_token } })).json).toEqual({ url: theirEndSession });
    expect(await promptNone(app, browser, client)).toBe('login_required');
  });

  it('is not handed out to another site', async () => {
    const person = await aFederatedPerson();
    const headers = { 'sec-fetch-site': 'cross-site' };
    const answer = await changesNothing(person, { query, browser: person.browser, headers });
    expect(answer.json).toEqual({ url: theirEndSession });
  });

  it('is not handed to ourselves', async () => {
    const { browser } = await aFederatedPerson();
    const { json } = await csp(app, { query: { orgId: 'local' }, browser });
    expect(json).toEqual({ url: `${app.issuer}/session/end_session` });
  });
});

describe('an identity provider that cannot sign out (wire/vmware-csp#identity-provider)', () => {
  it.each([
    ['is disabled', { enabled: false }],
    ['is not open to this dialect', { dialects: ['elasticsearch'] as const }],
  ])('is not found when it %s', async (_name, off) => {
    const person = await aFederatedPerson();
    const upstreams = app.app.get(UpstreamsService);
    await upstreams.update('corporate', off);
    try {
      const request = { query: { orgId: 'acme' }, browser: person.browser };
      expectCspError(await changesNothing(person, request), 404, 'IDP_NOT_FOUND');
    } finally {
      await upstreams.update('corporate', { enabled: true, dialects: upstream.dialects });
    }
  });

  it('is not found by its own ID token either, when it is not open to this dialect', async () => {
    const person = await aFederatedPerson();
    const upstreams = app.app.get(UpstreamsService);
    await upstreams.update('corporate', { dialects: [] });
    try {
      const request = { browser: person.browser, body: { idToken: person.theirIdToken } };
      expectCspError(await changesNothing(person, request), 404, 'IDP_NOT_FOUND');
    } finally {
      await upstreams.update('corporate', { dialects: upstream.dialects });
    }
  });

  it('is not found when it publishes no end-session endpoint', async () => {
    const person = await aFederatedPerson();
    const stub = await aProvider('silent', () => ({}));
    const request = { query: { orgId: 'silent' }, browser: person.browser };
    expectCspError(await changesNothing(person, request), 404, 'IDP_NOT_FOUND');
    stub.close();
  });

  it('is not found when it cannot be reached', async () => {
    const person = await aFederatedPerson();
    await register('away', `http://127.0.0.1:${await freePort()}`);
    const request = { query: { orgId: 'away' }, browser: person.browser };
    expectCspError(await changesNothing(person, request), 404, 'IDP_NOT_FOUND');
  });

  it('keeps the query that its endpoint has of its own', async () => {
    const stub = await aProvider('tenants', (origin) => ({ end_session_endpoint: `${origin}/end?tenant=a` }));
    const { url } = (await csp(app, { query: { orgId: 'tenants' } })).json;
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/end\?tenant=a$/);
    stub.close();
  });

  /** An organization whose provider publishes this and nothing else. */
  async function aProvider(name: string, metadata: (origin: string) => object): Promise<Server> {
    const origin = `http://127.0.0.1:${await freePort()}`;
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ issuer: origin, ...metadata(origin) }));
    });
    await new Promise<void>((resolve) => server.listen(Number(new URL(origin).port), '127.0.0.1', resolve));
    await register(name, origin);
    return server;
  }

  async function register(name: string, issuer: string): Promise<void> {
    await app.app.get(UpstreamsService).register({ name, issuer, client_id: 'exeunt', client_secret: 'a-secret' });
    await organization(name, name);
  }
});
