import pg from 'pg';
import { Retention, type RetentionRule } from '../../src/platform/database/retention.js';
import { DAY } from '../support/clock.js';
import { TestApp } from '../support/app.js';
import { fillWith } from '../support/fill.js';
import { neverAnalyzed, pagesOfStatement } from '../support/pages.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const MANY = 50_000;
/** Of everything else that has rules. */
const FILLED = 20_000;
/** Of an index of a few levels, and what it points at. */
const FEW_PAGES = 40;
/** SQL for an id that was made at `moment`: what is kept by day goes by it. */
const idAt = (moment: string): string =>
  `(lpad(to_hex((extract(epoch FROM ${moment}) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid`;

describe('retention with nothing due', () => {
  let app: TestApp;
  let rules: readonly RetentionRule[];

  beforeAll(async () => {
    app = await TestApp.start();
    await neverAnalyzed(app.db);
    ({ rules } = app.app.get<Retention, { readonly rules: readonly RetentionRule[] }>(Retention));
    const { clientId } = await app.createClient();
    const now = app.clock.now();
    const { id: accountId } = await app.createAccount();
    const run = (sql: string, ...values: unknown[]) => app.db.query(sql, values);
    await run(
      `INSERT INTO clients (client_id, metadata, created_at, updated_at, registration_token_hash, first_used_at)
       SELECT 'self-' || i, '{"grant_types": []}', $1::timestamptz - interval '90 days', $1, '\\x00', $1 FROM generate_series(1, $2::int) i`,
      now,
      MANY,
    );
    // Half of them have ended, a week ago at most.
    await run(
      `INSERT INTO sessions (id, account_id, cookie_hash, authenticated_at, amr, created_at, last_seen_at, idle_expires_at, expires_at, client_count, terminated_at)
       SELECT gen_random_uuid(), $1, sha256(i::text::bytea), $2, '{pwd}', $2, $2, $2::timestamptz + interval '1 day', $2::timestamptz + interval '1 day', 1,
              CASE WHEN i % 2 = 0 THEN $2::timestamptz - interval '7 days' * random() END FROM generate_series(1, $3::int) i`,
      accountId,
      now,
      MANY,
    );
    await run(
      `INSERT INTO session_clients (account_id, session_id, client_id, sid, joined_at) SELECT account_id, id, $1, 'sid-' || id, $2 FROM sessions`,
      clientId,
      now,
    );
    await run(
      `WITH people AS (
         INSERT INTO accounts (id, login, claims, created_at, updated_at)
         SELECT gen_random_uuid(), 'many-' || i, '{}', $2, $2 FROM generate_series(1, $3::int) i RETURNING id
       )
       INSERT INTO consents (account_id, client_id, scope, claims, granted_at) SELECT id, $1, '{openid}', '{}', $2 FROM people`,
      clientId,
      now,
      MANY,
    );
    await run(
      `INSERT INTO used_client_assertions (client_id, jti_hash, expires_at)
       SELECT $1, sha256(i::text::bytea), $2::timestamptz + interval '1 minute' FROM generate_series(1, $3::int) i`,
      clientId,
      now,
      MANY,
    );
    await run(
      `INSERT INTO audit_events (id, at, event, outcome, details)
       SELECT ${idAt("$1::timestamptz - interval '1 day'")}, $1::timestamptz - interval '1 day', 'sign_in', 'done', '{}' FROM generate_series(1, $2::int) i`,
      now,
      MANY,
    );
    await run(
      `WITH t AS (
         INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, occurred_at)
         SELECT ${idAt('$2::timestamptz')}, 'admin', '{}', $1, 1, 0, 1, $2 FROM generate_series(1, $3::int) RETURNING id
       )
       INSERT INTO logout_delivered (id, termination_id, client_id, account_id, sub, sid, attempts, created_at, finished_at)
       SELECT ${idAt('$2::timestamptz')}, id, $4, $1, 'mia', 'sid', 1, $2, $2 FROM t`,
      accountId,
      now,
      MANY,
      clientId,
    );
    const filler = new pg.Client({ connectionString: app.db.url });
    await filler.connect();
    await fillWith(filler, { sessions: FILLED, now, clientId });
    await filler.end();
  });
  afterAll(() => app.stop());

  it('reads a handful of pages for each rule', async () => {
    const pages: Record<string, number> = {};
    for (const { removal, keepMs } of rules)
      pages[removal.name] = await pagesOfStatement(app.db, removal, {
        before: new Date(app.clock.now().getTime() - keepMs),
      });
    expect(Object.keys(pages).length).toBeGreaterThan(15);
    const many = Object.entries(pages).filter(([, read]) => read > FEW_PAGES);
    expect(Object.fromEntries(many)).toEqual({});
  });

  it('removes what is due by the same index: a batch reads no more than its own rows', async () => {
    const rule = rules.find(({ removal }) => removal.name === 'sessions_remove_old');
    if (rule === undefined) throw new Error('there is no rule for sessions');
    await app.db.query(
      `UPDATE sessions SET terminated_at = $1
        WHERE id IN (SELECT id FROM sessions WHERE terminated_at IS NOT NULL LIMIT 100)`,
      [new Date(app.clock.now().getTime() - rule.keepMs - DAY)],
    );
    const before = { before: new Date(app.clock.now().getTime() - rule.keepMs) };
    expect(await pagesOfStatement(app.db, rule.removal, before)).toBeLessThan(3000);
  });
});
