import { decodeJwt, type JWTPayload } from 'jose';
import type { Answer, TestApp, TestClient } from '../support/app.js';
import type { Browser } from '../support/http.js';

const TABLES = [
  'grants',
  'old_refresh_tokens',
  'opaque_access_tokens',
  'revoked_access_tokens',
  'used_client_assertions',
  'session_clients',
  'session_terminations',
  'logout_deliveries',
];

/** A digest of everything that a token request may write: a refusal must leave it as it was. */
export async function tokenState(app: TestApp): Promise<Record<string, string>> {
  const state: Record<string, string> = {};
  for (const table of TABLES) {
    const [row] = await app.db.query<{ digest: string }>(
      `SELECT coalesce(md5(string_agg(x::text, '|' ORDER BY x::text)), '') AS digest FROM "${table}" x`,
    );
    state[table] = row?.digest ?? '';
  }
  return state;
}

/** Redeems a code as the client would; `overrides` with undefined leave a parameter out. */
export function redeem(
  app: TestApp,
  client: TestClient,
  code: string,
  overrides: Record<string, string | undefined> = {},
): Promise<Answer> {
  const fields = { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri, ...overrides };
  const sent = Object.fromEntries(
    Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
  return app.form('/token', sent, client.clientSecret === '' ? undefined : client);
}

export interface RecordedTermination {
  readonly cause: string;
  readonly sessions: number;
  readonly grants_revoked: number;
  readonly deliveries: number;
  readonly initiator: unknown;
}

/** What was recorded about a person, newest first. */
export async function terminationsOf(app: TestApp, accountId: string): Promise<RecordedTermination[]> {
  const { body } = await app.json('GET', `/admin/v1/terminations?account_id=${accountId}`, {
    token: await app.adminToken(),
  });
  return body.items as RecordedTermination[];
}

/** The person signs out at the provider and says yes. */
export async function signOut(browser: Browser): Promise<void> {
  const page = await browser.submit(await browser.get('/session/end_session'), 'logout-yes');
  if (page.status !== 200 && page.status !== 303) throw new Error(`sign-out answered ${page.status}`);
}

export function claimsOf(jwt: unknown): JWTPayload & Readonly<Record<string, unknown>> {
  return decodeJwt(String(jwt));
}

/** POSTs a form exactly as given, such as with a parameter sent twice. */
export async function postRaw(
  app: TestApp,
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${app.issuer}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}
