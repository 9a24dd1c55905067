import { LogoutOrderJob } from '../../src/domain/logout/orders/logout-order.job.js';
import type { Answer, TestApp } from '../support/app.js';
import type { TestDatabase } from '../support/database.js';

/** Places an order by the admin API. No job runs by itself in a test. */
export async function order(
  app: TestApp,
  body: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${app.issuer}/admin/v1/logout-orders`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await app.adminToken()}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: JSON.parse(text) as Record<string, unknown>,
  };
}

/** Places an order that must be accepted; returns its id. */
export async function placed(app: TestApp, body: Record<string, unknown>): Promise<string> {
  const answer = await order(app, body);
  if (answer.status !== 201) throw new Error(`the order was answered ${answer.status}: ${answer.text}`);
  return String(answer.body.id);
}

export interface Progress {
  readonly state: string;
  readonly total?: number;
  readonly done: number;
  readonly grants_revoked: number;
  readonly deliveries: number;
  readonly deliveries_pending: number;
  readonly applications: readonly { client_id: string; deliveries: number; last_due_at: string }[];
}

export async function progressOf(app: TestApp, id: string): Promise<Progress> {
  const { status, body } = await app.json('GET', `/admin/v1/logout-orders/${id}`, { token: await app.adminToken() });
  expect(status).toBe(200);
  return body as unknown as Progress;
}

export function step(node: TestApp): Promise<boolean> {
  return node.app.get(LogoutOrderJob).step();
}

/** Everything that the job can do at this moment. */
export function runJob(node: TestApp): Promise<void> {
  return node.app.get(LogoutOrderJob).run();
}

/**
 * Sessions with a grant and its refresh token, of as many accounts, in SQL: each takes part in one client. Their
 * refresh tokens are SHA-256 of `<prefix>-<i>`.
 */
export async function seedSessions(
  db: TestDatabase,
  now: Date,
  prefix: string,
  n: number,
  clientIds: readonly string[],
): Promise<void> {
  await db.query(
    `WITH people AS (
       INSERT INTO accounts (id, login, claims, created_at, updated_at)
       SELECT gen_random_uuid(), $1 || '-' || i, '{}', $2, $2 FROM generate_series(1, $3::int) i RETURNING id, login
     ), s AS (
       INSERT INTO sessions (id, cookie_hash, account_id, authenticated_at, amr, created_at, last_seen_at, idle_expires_at, expires_at, client_count)
       SELECT gen_random_uuid(), sha256(('cookie-' || login)::bytea), id, $2::timestamptz, '{pwd}', $2, $2, $2::timestamptz + interval '1 day',
              $2::timestamptz + interval '1 day', 1 FROM people RETURNING id, account_id
     ), numbered AS (
       SELECT s.id, s.account_id, p.login, ($4::text[])[1 + split_part(p.login, '-', -1)::int % cardinality($4::text[])] AS client_id
         FROM s JOIN people p ON p.id = s.account_id
     ), sc AS (
       INSERT INTO session_clients (account_id, session_id, client_id, sid, joined_at) SELECT account_id, id, client_id, 'sid-' || login, $2 FROM numbered
     ), g AS (
       INSERT INTO grants (id, account_id, client_id, session_id, offline, scope, authenticated_at, amr, created_at, keep_until)
       SELECT gen_random_uuid(), account_id, client_id, id, false, 'openid', $2, '{pwd}', $2, $2::timestamptz + interval '40 days' FROM numbered RETURNING id, account_id
     )
     INSERT INTO old_refresh_tokens (token_hash, grant_id, created_at, expires_at)
     SELECT sha256(p.login::bytea), g.id, $2, $2::timestamptz + interval '1 day' FROM g JOIN people p ON p.id = g.account_id`,
    [prefix, now, n, clientIds],
  );
}

export function seed(app: TestApp, prefix: string, n: number, clientIds: readonly string[]): Promise<void> {
  return seedSessions(app.db, app.clock.now(), prefix, n, clientIds);
}
