import { NOTICES } from '../support/ledger.js';
import { timeOrderedId } from '../../src/platform/clock/time-ordered-id.js';
import type { TestApp, TestClient, Tokens } from '../support/app.js';
import type { Browser } from '../support/http.js';
import type { StubRelyingParty } from '../support/stub-relying-party.js';
import { signOut } from '../rp-initiated-logout/end-session.js';

/** A client whose back channel ends at the stub. */
export function clientOf(
  app: TestApp,
  party: StubRelyingParty,
  metadata: Record<string, unknown> = {},
): Promise<TestClient> {
  return app.createClient({
    redirect_uris: [party.redirectUri],
    post_logout_redirect_uris: [party.postLogoutRedirectUri],
    backchannel_logout_uri: party.backchannelLogoutUri,
    ...metadata,
  });
}

export interface SignedIn {
  readonly accountId: string;
  readonly login: string;
  readonly browser: Browser;
  /** In the order of the clients. */
  readonly tokens: readonly Tokens[];
}

/** Somebody new, signed in to these clients in one browser session. */
export async function someoneAt(
  app: TestApp,
  clients: readonly TestClient[],
  overrides: Record<string, string> = {},
): Promise<SignedIn> {
  const { id, login } = await app.createAccount();
  const browser = app.browser();
  const tokens: Tokens[] = [];
  for (const client of clients) tokens.push(await app.signInTo(browser, client, login, overrides));
  return { accountId: id, login, browser, tokens };
}

export const OFFLINE = { scope: 'openid offline_access', prompt: 'consent' };

export interface DeliveryRow {
  readonly id: string;
  readonly termination_id: string;
  readonly client_id: string;
  readonly sub: string;
  readonly sid: string | null;
  readonly state: string;
  readonly attempts: number;
  readonly next_attempt_at: Date;
  readonly last_error: string | null;
  readonly finished_at: Date | null;
}

export function deliveriesTo(app: TestApp, clientId: string): Promise<DeliveryRow[]> {
  return app.db.query<DeliveryRow>(`SELECT * FROM ${NOTICES} WHERE client_id = $1 ORDER BY created_at, id`, [clientId]);
}

export interface TerminationRow {
  readonly id: string;
  readonly cause: string;
  readonly initiator: Record<string, unknown>;
  readonly account_id: string | null;
  readonly sessions: number;
  readonly grants_revoked: number;
  readonly deliveries: number;
}

export function terminationsOf(app: TestApp, accountId: string): Promise<TerminationRow[]> {
  return app.db.query<TerminationRow>('SELECT * FROM session_terminations WHERE account_id = $1 ORDER BY id', [
    accountId,
  ]);
}

/** Signs out of a session at one application; returns the notice owed to it, as it stands after the first attempt. */
export async function noticeAfterSignOut(app: TestApp, client: TestClient): Promise<DeliveryRow> {
  const { browser, accountId } = await someoneAt(app, [client]);
  await signOut(browser);
  // The page waited for a while only: the attempt may still be under way, such as when it runs into its time limit.
  await app.sendDue();
  const notice = (await deliveriesTo(app, client.clientId)).find((row) => row.sub === accountId);
  if (notice === undefined) throw new Error('no notice was queued');
  return notice;
}

export async function noticeById(app: TestApp, id: string): Promise<DeliveryRow> {
  const [row] = await app.db.query<DeliveryRow>(`SELECT * FROM ${NOTICES} WHERE id = $1`, [id]);
  if (row === undefined) throw new Error(`no notice ${id}`);
  return row;
}

export interface AttemptRow {
  readonly number: number;
  readonly jti: string;
  readonly started_at: Date;
  readonly duration_ms: number;
  readonly status: number | null;
  readonly error_code: string | null;
}

export function attemptsOf(app: TestApp, deliveryId: string): Promise<AttemptRow[]> {
  return app.db.query<AttemptRow>(
    `SELECT number, jti, started_at, duration_ms, status, error_code FROM logout_delivery_attempts WHERE delivery_id = $1
      UNION ALL
     SELECT attempts, jti, started_at, duration_ms, status, NULL FROM logout_delivered WHERE id = $1
      ORDER BY number`,
    [deliveryId],
  );
}

/** Notices that are due now, of which nobody has made an attempt. Each is about a session of its own. */
export async function dueNotices(
  app: TestApp,
  clientId: string,
  n: number,
  at: { readonly created?: Date; readonly due?: Date } = {},
): Promise<string[]> {
  const { created = app.clock.now(), due = app.clock.now() } = at;
  const terminationId = timeOrderedId(created);
  await app.db.query(
    `INSERT INTO session_terminations (id, cause, initiator, sessions, grants_revoked, deliveries, occurred_at)
     VALUES ($1, 'admin', '{"kind":"system"}', $2, 0, $2, $3)`,
    [terminationId, n, created],
  );
  const rows = await app.db.query<{ id: string }>(
    `INSERT INTO logout_deliveries (id, termination_id, client_id, bucket, cause, sub, sid, state, attempts, next_attempt_at, created_at)
     SELECT (substr($1::text, 1, 15) || substr(gen_random_uuid()::text, 16))::uuid, $1::uuid, $2, i % 16, 'admin', 'sub-' || i, 'sid-' || i, 'pending', 0, $3, $4 FROM generate_series(1, $5::int) i
     RETURNING id`,
    [terminationId, clientId, due, created, n],
  );
  return rows.map(({ id }) => id).sort();
}
