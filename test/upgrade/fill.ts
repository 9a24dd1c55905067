import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import { basic, type Answer, type TestApp, type TestClient, type Tokens } from '../support/app.js';
import { MINUTE } from '../support/clock.js';
import type { Browser } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { StubUpstream } from '../support/stub-upstream.js';
import { placed, runJob } from '../bulk/scene.js';
import { enterAs, enterAsClient } from '../console/operator.js';

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const SESSION_COOKIE = 'exeunt_session';
const OFFLINE = { scope: 'openid offline_access', prompt: 'consent' };

/** EXEUNT_SECRET of the service that is dumped. It protects nothing else. */
export const SECRET = 'a sealing secret of the upgrade test only';

export interface KnownPerson {
  readonly id: string;
  readonly login: string;
  /** The session's cookie, where the browser kept it. */
  readonly cookie?: string;
  readonly tokens?: Tokens;
}

/**
 * What applications, browsers and operators hold at the moment of the dump, and the database has only as hashes: what a
 * test needs to go on from there.
 */
export interface Known {
  readonly issuer: string;
  /** ISO 8601; the service's clock when the dump was made. */
  readonly now: string;
  readonly confidential: TestClient;
  readonly thirdParty: TestClient;
  readonly opaque: TestClient;
  readonly machine: { readonly clientId: string; readonly privateKey: JWK };
  readonly facilitator: TestClient;
  /** Proves itself by keys now; the secret is what it had before. */
  readonly formerlyBySecret: TestClient;
  readonly mia: KnownPerson;
  readonly noah: KnownPerson;
  readonly operator: KnownPerson;
  readonly consenting: KnownPerson;
  readonly federated: KnownPerson & { readonly issuer: string; readonly sub: string; readonly sid: string };
  readonly upstream: string;
  readonly unredeemedCode: string;
  readonly order: string;
}

const known = ({ id, login }: KnownPerson, browser: Browser, tokens?: Tokens): KnownPerson => {
  const cookie = browser.cookie(SESSION_COOKIE);
  if (cookie === undefined) throw new Error(`${login} has no session`);
  return { id, login, cookie, ...(tokens === undefined ? {} : { tokens }) };
};

function succeeded(answer: Answer, what: string): Answer {
  if (answer.status >= 300) throw new Error(`${what} answered ${answer.status}: ${answer.text}`);
  return answer;
}

/** Brings at least one row into every table by requests as browsers, applications and operators send them. */
export async function fillEveryTable(app: TestApp): Promise<Known> {
  const party = await StubRelyingParty.start();
  const deaf = await StubRelyingParty.start();
  const upstream = await StubUpstream.start(app.clock);
  try {
    deaf.always(503);
    return await fill(app, party, deaf, upstream);
  } finally {
    await Promise.all([party.stop(), deaf.stop(), upstream.stop()]);
  }
}

async function fill(
  app: TestApp,
  party: StubRelyingParty,
  deaf: StubRelyingParty,
  upstream: StubUpstream,
): Promise<Known> {
  const confidential = await clientOf(app, party, { client_name: 'Ledger' });
  const unreachable = await clientOf(app, deaf, { client_name: 'Wiki' });
  const thirdParty = await clientOf(app, party, { client_name: 'Calendar', skip_consent: false });
  const opaque = await clientOf(app, party, { client_name: 'Opaque', access_token_format: 'opaque' });
  const { facilitator } = await elasticsearch(app);
  const machine = await machineByKey(app);
  const formerlyBySecret = await hadASecret(app);
  const retired = await clientOf(app, party, { client_name: 'Retired' });
  const order = await loggedOut(app, confidential, unreachable);
  const operator = await anOperator(app);
  const mia = await signedIn(app, 'mia@example.com', [confidential, unreachable]);
  const noah = await signedIn(app, 'noah@example.com', [opaque, retired]);
  await deleteClient(app, retired);
  const consenting = await signedIn(app, 'olga@example.com', [thirdParty], OFFLINE);
  const federated = await federation(app, upstream, confidential);
  const unredeemedCode = await app.codeFor(noah.browser, confidential, noah.person.login);
  await unfinished(app, confidential, federated.upstream);
  await revoke(app, confidential);
  await receipts(app);
  return {
    issuer: app.issuer,
    now: app.clock.now().toISOString(),
    confidential,
    thirdParty,
    opaque,
    machine,
    facilitator,
    formerlyBySecret,
    operator,
    mia: mia.person,
    noah: noah.person,
    consenting: consenting.person,
    federated: federated.person,
    upstream: federated.upstream,
    unredeemedCode,
    order,
  };
}

function clientOf(app: TestApp, party: StubRelyingParty, metadata: Record<string, unknown>): Promise<TestClient> {
  return app.createClient({
    redirect_uris: [party.redirectUri],
    post_logout_redirect_uris: [party.postLogoutRedirectUri],
    backchannel_logout_uri: party.backchannelLogoutUri,
    ...metadata,
  });
}

async function signedIn(
  app: TestApp,
  login: string,
  clients: readonly TestClient[],
  overrides: Record<string, string> = {},
): Promise<{ readonly person: KnownPerson; readonly browser: Browser }> {
  const account = await app.createAccount(login);
  const browser = app.browser();
  let first: Tokens | undefined;
  for (const client of clients) {
    const tokens = await app.signInTo(browser, client, login, overrides);
    first ??= tokens;
  }
  return { person: known(account, browser, first), browser };
}

/** `private_key_jwt`, which leaves its assertion on record as used. */
async function machineByKey(app: TestApp): Promise<Known['machine']> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'machine-key', alg: 'ES256' };
  const { clientId } = await app.createClient({
    client_name: 'Reports',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope: 'reports',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [jwk] },
  });
  const machine = { clientId, privateKey: { ...(await exportJWK(privateKey)), kid: 'machine-key', alg: 'ES256' } };
  succeeded(await tokenByKey(app, machine), 'private_key_jwt');
  return machine;
}

/** A client that had a secret until it was given keys. Returns the secret. */
async function hadASecret(app: TestApp): Promise<TestClient> {
  const client = await app.createClient({ client_name: 'Formerly by secret' });
  const { publicKey } = await generateKeyPair('ES256', { extractable: true });
  const change = await app.json('PATCH', `/admin/v1/clients/${client.clientId}`, {
    token: await app.adminToken(),
    body: {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'key', alg: 'ES256' }] },
    },
  });
  succeeded(change, 'the change of a client');
  return client;
}

async function deleteClient(app: TestApp, { clientId }: TestClient): Promise<void> {
  succeeded(
    await app.json('DELETE', `/admin/v1/clients/${clientId}`, { token: await app.adminToken() }),
    'the deletion of a client',
  );
}

/** A client's request for a token of its own, by an assertion for the issuer that the application publishes. */
export async function tokenByKey(app: TestApp, { clientId, privateKey }: Known['machine']): Promise<Answer> {
  const now = app.clock.seconds();
  const assertion = await new SignJWT({
    iss: clientId,
    sub: clientId,
    aud: app.settings.issuer,
    jti: randomUUID(),
    iat: now,
    exp: now + 60,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'machine-key' })
    .sign(privateKey);
  return app.form('/token', {
    grant_type: 'client_credentials',
    client_assertion: assertion,
    client_assertion_type: ASSERTION,
  });
}

async function elasticsearch(app: TestApp): Promise<{ readonly facilitator: TestClient }> {
  const facilitator = await app.createClient({
    client_name: 'Kibana',
    permissions: ['manage_oidc', 'manage_token'],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  });
  const response = await fetch(`${app.issuer}/_security/oauth2/token`, {
    method: 'POST',
    headers: { authorization: basic(facilitator), 'content-type': 'application/json' },
    body: JSON.stringify({ grant_type: 'client_credentials' }),
  });
  if (!response.ok) throw new Error(`_security/oauth2/token answered ${response.status}: ${await response.text()}`);
  return { facilitator };
}

/** An account that may see the console, signed in to it; and the admin client there. */
async function anOperator(app: TestApp): Promise<KnownPerson> {
  const account = await app.createAccount('operator@example.com');
  const answer = await app.json('PUT', `/admin/v1/accounts/${account.id}/roles`, {
    token: await app.adminToken(),
    body: { roles: ['operator'] },
  });
  succeeded(answer, 'the change of roles');
  const page = await enterAs(app.browser(), account.login);
  if (page.status !== 303) throw new Error(`the console answered ${page.status}`);
  await enterAsClient(app.browser());
  return { id: account.id, login: account.login };
}

/** A person who came by another provider, an organization that leads there, and a logout token that was obeyed. */
async function federation(
  app: TestApp,
  upstream: StubUpstream,
  client: TestClient,
): Promise<{ readonly person: Known['federated']; readonly upstream: string }> {
  const name = await upstream.register(app, { name: 'corporate' });
  const token = await app.adminToken();
  succeeded(
    await app.json('POST', '/admin/v1/organizations', { token, body: { id: 'acme', upstream: name } }),
    'the organization',
  );
  const gone = upstream.subject({ preferred_username: 'gone' });
  await byUpstream(app, upstream, client, gone);
  succeeded(
    await app.form('/api/v1/auth/oidc/backchannel-logout', {
      logout_token: await upstream.logoutToken({ sub: gone.sub, sid: gone.sid }),
    }),
    'the back channel',
  );
  const here = upstream.subject({ preferred_username: 'ada', email_verified: true });
  const browser = await byUpstream(app, upstream, client, here);
  const [row] = await app.db.query<{ id: string; login: string }>(
    'SELECT a.id, a.login FROM accounts a JOIN upstream_identities u ON u.account_id = a.id WHERE u.sub = $1',
    [here.sub],
  );
  if (row === undefined) throw new Error('no account was linked');
  const person = { ...known(row, browser), issuer: upstream.issuer, sub: here.sub, sid: here.sid ?? '' };
  return { person, upstream: name };
}

async function byUpstream(
  app: TestApp,
  upstream: StubUpstream,
  client: TestClient,
  subject: ReturnType<StubUpstream['subject']>,
): Promise<Browser> {
  const browser = app.browser();
  const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
  const back = await browser.follow(await upstream.signIn(browser, page, subject));
  const code = back.query.get('code');
  if (code === null) throw new Error(`no code from ${back.location}`);
  const redeemed = await app.form(
    '/token',
    { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri },
    client,
  );
  succeeded(redeemed, 'the token endpoint');
  return browser;
}

/** A sign-in that was begun and left, here and at the other provider; and a wrong password. */
async function unfinished(app: TestApp, client: TestClient, upstream: string): Promise<void> {
  const browser = app.browser();
  const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
  await app.signIn(browser, page, 'mia@example.com', 'not the password');
  const other = app.browser();
  const choice = await other.follow(await other.get(app.authorizeUrl(client)));
  const href = new RegExp(`href="([^"]+/upstream/${upstream})"`).exec(choice.body)?.[1];
  if (href === undefined) throw new Error('no link to the other provider');
  await other.get(href);
}

/** An access token that was revoked while it could still be used. */
async function revoke(app: TestApp, client: TestClient): Promise<void> {
  const { person } = await signedIn(app, 'revoked@example.com', [client]);
  succeeded(await app.form('/revoke', { token: person.tokens?.access_token ?? '' }, client), 'revocation');
}

/** Logouts whose notices arrived, and whose notices wait for an application that fails; an order that does both. */
async function loggedOut(app: TestApp, client: TestClient, unreachable: TestClient): Promise<string> {
  for (const [login, clients] of [
    ['left@example.com', [client]],
    ['half@example.com', [client, unreachable]],
  ] as const) {
    const { browser } = await signedIn(app, login, clients);
    await browser.submit(await browser.get('/session/end_session'), 'logout-yes');
  }
  for (let attempt = 0; attempt < 8; attempt += 1) {
    await app.sendDue();
    app.clock.advance(2 * MINUTE);
  }
  const { person } = await signedIn(app, 'ordered@example.com', [client, unreachable]);
  const order = await placed(app, { account_id: person.id, reason: 'Incident 7' });
  await runJob(app);
  await app.sendDue();
  return order;
}

async function receipts(app: TestApp): Promise<void> {
  while ((await app.issueReceipts()) > 0);
}
