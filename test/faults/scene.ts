import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { NOTICES } from '../support/ledger.js';
import { aDataDirectory, ADMIN_ENV, Operator, remove, Service } from '../start/service.js';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { StubRelyingParty, type Answer, type ReceivedLogout } from '../support/stub-relying-party.js';

/** Long enough for a machine that does other things besides; a condition that holds is seen at once. */
export const WAIT = { timeout: 90_000, interval: 50 };

/** Whatever answers SQL: a database of the test run, or a cluster of the test's own. */
export interface Database {
  query<Row = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
}

/** A node of the service on a database that others use too. */
export function startNode(databaseUrl: string, env: Readonly<Record<string, string>> = {}): Promise<Service> {
  return Service.start({
    ...ADMIN_ENV,
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_SIZE: '5',
    LOGOUT_WAIT_MS: '0',
    DELIVERY_POLL_MS: '50',
    DELIVERY_TIMEOUT_MS: '2000',
    ...env,
  });
}

/** An application with an endpoint of its own, which knows which notices it said yes to. */
export class Application {
  /** The `sid` of each notice that was answered 200, in order. */
  readonly accepted: string[] = [];

  private constructor(
    readonly clientId: string,
    readonly clientSecret: string,
    private readonly party: StubRelyingParty,
  ) {
    this.always(this.accept);
  }

  static async register(operator: Operator, name: string): Promise<Application> {
    const party = await StubRelyingParty.start();
    const client = await operator.call<{ client_id: string; client_secret: string }>('POST', '/clients', {
      client_name: name,
      redirect_uris: [party.redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      backchannel_logout_uri: party.backchannelLogoutUri,
    });
    return new Application(client.client_id, client.client_secret, party);
  }

  /** Says yes, and remembers to what. */
  readonly accept = (_request: IncomingMessage, response: ServerResponse): void => {
    this.accepted.push(this.received.at(-1) ?? '');
    response.writeHead(200, { 'cache-control': 'no-store' }).end();
  };

  /** The `sid` of each notice that came, whatever became of it. */
  get received(): string[] {
    return this.party.received.map(({ claims }) => claims.sid ?? '');
  }

  /** What the newest notice says. */
  get newest(): ReceivedLogout['claims'] | undefined {
    return this.party.received.at(-1)?.claims;
  }

  get tokenIds(): unknown[] {
    return this.party.received.map(({ claims }) => claims.jti);
  }

  get redirectUri(): string {
    return this.party.redirectUri;
  }

  first(...answers: Answer[]): void {
    this.party.answerNext(...answers);
  }

  always(answer: Answer): void {
    this.party.always(answer);
  }

  waitFor(notices: number): Promise<unknown> {
    return this.party.waitFor(notices);
  }

  stop(): Promise<void> {
    return this.party.stop();
  }
}

export interface SignedIn {
  readonly sessionId: string;
  readonly clientId: string;
  readonly sid: string;
  /** Value of the session's cookie. */
  readonly cookie: string;
  readonly refreshToken: string;
}

/**
 * People who have signed in, straight into the tables: person `i` to the application `i` modulo how many there are. With
 * `everywhere`, each person to all of them.
 */
export async function signedIn(
  db: Database,
  prefix: string,
  people: number,
  applications: readonly Application[],
  everywhere = false,
): Promise<SignedIn[]> {
  return db.query<SignedIn>(
    `WITH people AS (
       INSERT INTO accounts (id, login, claims, created_at, updated_at)
       SELECT gen_random_uuid(), $1 || '-' || i, '{}', now(), now() FROM generate_series(0, $2::int - 1) i RETURNING id, login
     ), s AS (
       -- Their cookies name no account, as those of before.
       INSERT INTO sessions (before_routing, id, cookie_hash, account_id, authenticated_at, amr, created_at, last_seen_at, idle_expires_at, expires_at, client_count)
       SELECT true, gen_random_uuid(), sha256(('cookie-' || login)::bytea), id, now(), '{pwd}', now(), now(), now() + interval '1 day', now() + interval '1 day',
              CASE WHEN $4 THEN cardinality($3::text[]) ELSE 1 END
         FROM people RETURNING id, account_id
     ), joined AS (
       SELECT s.id AS session_id, s.account_id, p.login, c.client_id, 'sid-' || p.login || '-' || c.at AS sid, gen_random_uuid() AS grant_id
         FROM s JOIN people p ON p.id = s.account_id
         JOIN unnest($3::text[]) WITH ORDINALITY AS c(client_id, at)
           ON $4 OR c.at - 1 = split_part(p.login, '-', -1)::int % cardinality($3::text[])
     ), sc AS (
       INSERT INTO session_clients (account_id, session_id, client_id, sid, joined_at) SELECT account_id, session_id, client_id, sid, now() FROM joined
     ), g AS (
       INSERT INTO grants (id, account_id, client_id, session_id, offline, scope, authenticated_at, amr, created_at, keep_until)
       SELECT grant_id, account_id, client_id, session_id, false, 'openid', now(), '{pwd}', now(), now() + interval '40 days' FROM joined
     ), r AS (
       INSERT INTO old_refresh_tokens (token_hash, grant_id, created_at, expires_at)
       SELECT sha256(('refresh-' || sid)::bytea), grant_id, now(), now() + interval '1 day' FROM joined
     )
     SELECT session_id AS "sessionId", client_id AS "clientId", sid, 'cookie-' || login AS cookie, 'refresh-' || sid AS "refreshToken"
       FROM joined ORDER BY split_part(login, '-', -1)::int, client_id`,
    [prefix, people, applications.map(({ clientId }) => clientId), everywhere],
  );
}

export function refresh(base: string, application: Application, refreshToken: string): Promise<Response> {
  return tokenCall(`${base}/token`, application, { grant_type: 'refresh_token', refresh_token: refreshToken });
}

export async function isActive(base: string, application: Application, token: string): Promise<boolean> {
  const response = await tokenCall(`${base}/introspect`, application, { token });
  expect(response.status).toBe(200);
  return ((await response.json()) as { active: boolean }).active;
}

function tokenCall(url: string, application: Application, fields: Record<string, string>): Promise<Response> {
  const { clientId, clientSecret } = application;
  return fetch(url, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams(fields),
  });
}

/** The ledger, by `sid`. */
export async function ledger(
  db: Database,
): Promise<Map<string, { readonly state: string; readonly attempts: number }>> {
  const rows = await db.query<{ sid: string; state: string; attempts: number }>(
    `SELECT sid, state, attempts FROM ${NOTICES}`,
  );
  return new Map(rows.map(({ sid, state, attempts }) => [sid, { state, attempts }]));
}

/** Waits until every one of `n` notices is in this state. */
export async function allAre(db: Database, state: string, n: number): Promise<void> {
  await vi.waitUntil(async () => {
    const all = [...(await ledger(db)).values()];
    return all.length === n && all.every((delivery) => delivery.state === state);
  }, WAIT);
}

/** Holds a row's lock, so that whoever wants it waits, for as long as the test says. */
export async function hold(url: string, table: string, id: string): Promise<{ readonly release: () => Promise<void> }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN');
  await client.query(`SELECT 1 FROM ${client.escapeIdentifier(table)} WHERE id = $1 FOR UPDATE`, [id]);
  return { release: () => client.end() };
}

/** What `npm run verify-receipts` says of the whole chain. */
export async function verifiedReceipts(operator: Operator): Promise<{ readonly ok: boolean; readonly words: string }> {
  const directory = aDataDirectory();
  try {
    for (const [file, path] of [
      ['receipts.ndjson', '/receipts'],
      ['keys.json', '/receipts/jwks'],
    ] as const)
      writeFileSync(join(directory, file), await (await operator.request('GET', path)).text());
    const { status, stdout } = spawnSync(
      process.execPath,
      ['scripts/verify-receipts.mjs', join(directory, 'receipts.ndjson'), '--jwks', join(directory, 'keys.json')],
      { encoding: 'utf8' },
    );
    return { ok: status === 0, words: stdout };
  } finally {
    remove(directory);
  }
}

/** Waits until no termination is owed a receipt. */
export async function allAreReceipted(db: Database, n: number): Promise<void> {
  await vi.waitUntil(
    async () =>
      (
        await db.query(
          'SELECT 1 FROM session_terminations t WHERE NOT EXISTS (SELECT 1 FROM logout_receipts_owed o WHERE o.termination_id = t.id)',
        )
      ).length === n,
    WAIT,
  );
}

/** The samples of a metric, by their labels as they are written (`''` without any). */
export async function metric(base: string, name: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${base}/metrics`)).text();
  const samples = text.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'));
  return new Map([...samples].map(([, labels = '', value]) => [labels, Number(value)]));
}

export function count<Key>(keys: readonly Key[]): Map<Key, number> {
  const counts = new Map<Key, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
