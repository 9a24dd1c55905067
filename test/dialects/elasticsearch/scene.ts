import { basic, TestApp, type TestClient } from '../../support/app.js';
import type { Browser } from '../../support/http.js';
import { StubUpstream } from '../../support/stub-upstream.js';

export const PREPARE = '/_security/oidc/prepare';
export const AUTHENTICATE = '/_security/oidc/authenticate';
export const LOGOUT = '/_security/oidc/logout';
export const TOKEN = '/_security/oauth2/token';
export const PROBE = '/_security/_authenticate';

export const SIGNED_OUT_URI = 'https://kibana.example.com/signed-out';
export const CALLBACK = 'https://kibana.example.com/api/security/oidc/callback';

export const BASIC_OR_BEARER = ['Basic realm="security", charset="UTF-8"', 'Bearer realm="security"'];
export const EXPIRED = 'Bearer realm="security", error="invalid_token", error_description="The access token expired"';
export const MALFORMED =
  'Bearer realm="security", error="invalid_token", error_description="The access token is malformed"';

export interface EsRequest {
  readonly method?: string;
  /** With its query. */
  readonly path: string;
  /** An object is sent as JSON, anything else as it stands; none when it is left out. */
  readonly body?: object | string | Uint8Array<ArrayBuffer> | undefined;
  /** Who asks: a client by its secret, or a bearer of this token. */
  readonly as?: TestClient | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface EsAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** A running service with a facilitator, its own realm and one of an upstream's. */
export interface Scene {
  readonly app: TestApp;
  readonly upstream: StubUpstream;
  readonly facilitator: TestClient;
  readonly realms: Readonly<Record<string, TestRealm>>;
}

export async function startScene(): Promise<Scene> {
  const app = await TestApp.start();
  const upstream = await StubUpstream.start(app.clock);
  const realms = { exeunt: ownRealm(app), upstream: await upstreamRealm(app, upstream) };
  return { app, upstream, facilitator: await aFacilitator(app), realms };
}

/** Sends a request as a facilitator does. What holds for every answer of the dialect is checked here. */
export async function es(app: TestApp, request: EsRequest): Promise<EsAnswer> {
  const { path, body, as, headers } = request;
  const asIs = typeof body === 'string' || body instanceof Uint8Array || body === undefined;
  const authorization = as === undefined ? undefined : typeof as === 'string' ? `Bearer ${as}` : basic(as);
  const method = request.method ?? (body === undefined ? 'GET' : 'POST');
  const response = await fetch(`${app.issuer}${path}`, {
    method,
    ...(body === undefined ? {} : { body: asIs ? body : JSON.stringify(body) }),
    headers: {
      ...(typeof body === 'string' || !asIs ? { 'content-type': 'application/json' } : {}),
      ...(authorization === undefined ? {} : { authorization }),
      ...headers,
    },
  });
  const text = await response.text();
  expect(response.headers.get('x-elastic-product')).toBe('Elasticsearch');
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('content-type')).toMatch(/^application\/(json|vnd\.elasticsearch\+json;.*)$/);
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: method === 'HEAD' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

/** Every row that a refusal must leave alone. Attempts are counted and recorded whatever comes of them. */
async function rows(app: TestApp): Promise<Record<string, number>> {
  const { rate_limits: _limits, audit_events: _events, ...counts } = await app.rowCounts();
  return counts;
}

/** Sends a request that must change nothing, whatever it answers. */
export async function changesNothing(app: TestApp, request: EsRequest): Promise<EsAnswer> {
  // Notices of an earlier logout go out by themselves, and leave rows.
  await app.sendDue();
  const before = await rows(app);
  const answer = await es(app, request);
  expect(await rows(app)).toEqual(before);
  return answer;
}

/**
 * The error object to the letter; `challenges` in the body and in the header (docs/wire/elasticsearch.md#error-object).
 */
export function expectError(
  answer: EsAnswer,
  status: number,
  type: string,
  reason: string,
  challenges?: string | readonly string[],
): void {
  const cause = { type, reason, ...(challenges === undefined ? {} : { header: { 'WWW-Authenticate': challenges } }) };
  expect(answer.json).toEqual({ error: { root_cause: [cause], ...cause }, status });
  expect(answer.status).toBe(status);
  const header = challenges === undefined ? null : [challenges].flat().join(', ');
  expect(answer.headers.get('www-authenticate')).toBe(header);
}

/** The variant whose `error` is a string (docs/wire/elasticsearch.md#string-error). */
export function expectTextError(answer: EsAnswer, status: number, text: string): void {
  expect(answer.json).toEqual({ error: text, status });
  expect(answer.status).toBe(status);
}

/** Of the token endpoint (docs/wire/elasticsearch.md#token). */
export function expectOAuthError(answer: EsAnswer, error: string, description: string): void {
  expect(answer.json).toEqual({ error, error_description: description });
  expect(answer.status).toBe(400);
}

export function expectExpired(answer: EsAnswer): void {
  expectError(answer, 401, 'security_exception', 'token expired', EXPIRED);
}

/** A client that may do everything here. */
export function aFacilitator(app: TestApp, metadata: Record<string, unknown> = {}): Promise<TestClient> {
  return app.createClient({
    client_name: 'Kibana',
    permissions: ['manage_oidc', 'manage_token'],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    post_logout_redirect_uris: [SIGNED_OUT_URI],
    ...metadata,
  });
}

/** Somebody at a realm. */
export interface Person {
  /** What we call them. */
  readonly login: string;
  /** What the realm calls them. */
  readonly sub: string;
  readonly sid: string | undefined;
  readonly browser: Browser;
}

export interface TestRealm {
  readonly name: string;
  readonly issuer: string;
  readonly clientId: (facilitator: TestClient) => string;
  readonly redirectUri: (facilitator: TestClient) => string;
  readonly authorizationEndpoint: string;
  readonly endSessionEndpoint: string;
  readonly aPerson: (app: TestApp) => Promise<Person>;
  /** Signs in where `redirect` leads. Returns the address that the browser is sent back to. */
  readonly visit: (app: TestApp, redirect: string, person: Person) => Promise<string>;
}

/** This service itself. */
export function ownRealm(app: TestApp): TestRealm {
  return {
    name: 'exeunt',
    issuer: app.issuer,
    clientId: ({ clientId }) => clientId,
    redirectUri: ({ redirectUri }) => redirectUri,
    authorizationEndpoint: `${app.issuer}/authorize`,
    endSessionEndpoint: `${app.issuer}/session/end_session`,
    aPerson: async () => {
      const { id, login } = await app.createAccount();
      return { login, sub: id, sid: undefined, browser: app.browser() };
    },
    visit: async (_app, redirect, { browser, login }) => {
      let page = await browser.follow(await browser.get(redirect));
      if (page.has('login-submit')) page = await browser.follow(await app.signIn(browser, page, login));
      if (page.location === undefined) throw new Error(`not sent back: ${page.status}`);
      return page.location;
    },
  };
}

/** Another provider; `overrides` are members of its registration here. */
export async function upstreamRealm(
  app: TestApp,
  upstream: StubUpstream,
  overrides: Record<string, unknown> = {},
): Promise<TestRealm> {
  const name = await upstream.register(app, {
    redirect_uri: CALLBACK,
    post_logout_redirect_uri: SIGNED_OUT_URI,
    ...overrides,
  });
  return {
    name,
    issuer: upstream.issuer,
    clientId: () => upstream.clientId,
    redirectUri: () => CALLBACK,
    authorizationEndpoint: `${upstream.origin}/authorize`,
    endSessionEndpoint: upstream.origin + (upstream.endSessionPath ?? ''),
    aPerson: async () => {
      const { sub, sid } = upstream.subject();
      return { login: `${name}:${sub}`, sub, sid, browser: app.browser() };
    },
    visit: async (_app, redirect, { sub, sid }) => {
      const claims = { preferred_username: sub, name: 'Ada Upstream', email: `${sub}@example.org` };
      return upstream.authorize(redirect, { sub, sid, claims });
    },
  };
}

/** What the browser brought back, as the facilitator hands it over. */
export interface BroughtBack {
  readonly redirect_uri: string;
  readonly state: string;
  readonly nonce: string;
}

export interface SignedIn {
  readonly person: Person;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly nonce: string;
  readonly answer: EsAnswer;
}

export async function broughtBack(
  app: TestApp,
  realm: TestRealm,
  facilitator: TestClient,
  person?: Person,
): Promise<BroughtBack> {
  const { status, json, text } = await es(app, { path: PREPARE, as: facilitator, body: { realm: realm.name } });
  if (status !== 200) throw new Error(`prepare answered ${status}: ${text}`);
  const redirectUri = await realm.visit(app, String(json.redirect), person ?? (await realm.aPerson(app)));
  return { redirect_uri: redirectUri, state: String(json.state), nonce: String(json.nonce) };
}

/** The whole way by `prepare` and `authenticate`, of somebody new when nobody is named. */
export async function signIn(
  app: TestApp,
  realm: TestRealm,
  facilitator: TestClient,
  someone?: Person,
): Promise<SignedIn> {
  const person = someone ?? (await realm.aPerson(app));
  const body = { ...(await broughtBack(app, realm, facilitator, person)), realm: realm.name };
  const answer = await es(app, { path: AUTHENTICATE, as: facilitator, body });
  if (answer.status !== 200) throw new Error(`authenticate answered ${answer.status}: ${answer.text}`);
  const { access_token: accessToken, refresh_token: refreshToken } = answer.json;
  return { person, accessToken: String(accessToken), refreshToken: String(refreshToken), nonce: body.nonce, answer };
}

export function probe(app: TestApp, accessToken: string): Promise<EsAnswer> {
  return es(app, { path: PROBE, as: accessToken });
}

export function refresh(app: TestApp, facilitator: TestClient, refreshToken: string): Promise<EsAnswer> {
  const body = { grant_type: 'refresh_token', refresh_token: refreshToken };
  return es(app, { path: TOKEN, as: facilitator, body });
}

export function expectCannotRefresh(answer: EsAnswer): void {
  expectOAuthError(answer, 'invalid_grant', 'could not refresh the requested token');
}

/** Sessions of the account with this login that go on. */
export async function liveSessions(app: TestApp, login: string): Promise<number> {
  const [row] = await app.db.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM sessions s JOIN accounts a ON a.id = s.account_id
      WHERE a.login = $1 AND s.terminated_at IS NULL`,
    [login],
  );
  return row?.n ?? 0;
}
