-- Fills a migrated database with sessions and what hangs on them: the one place that knows the schema for `npm run bench:scale`
-- and for test/cost/growth.e2e-spec.ts. Change it together with a migration.
--
-- Parameters, by set_config in the same session:
--   fill.from, fill.to   numbers of the sessions, inclusive; the same number is the same row wherever it is named
--   fill.now             the time, in UTC
--   fill.clients         the applications, separated by commas; each must be registered
--   fill.participants    applications in each session
--   fill.per_account     sessions of each person
--   fill.receipts_before the number of the last receipt that is there, or 0
--
-- Of each five sessions two are alive; one has ended and is on record, with a notice to one application, its attempt, a receipt and an
-- audit event; two have ended and their record has been removed. Ages are below a day, so that retention finds nothing due.

-- step: helpers
-- Written so that Postgres can put them into the statements: an expression, of no other volatility than its own.
CREATE OR REPLACE FUNCTION pg_temp.id_of(kind text, n bigint) RETURNS uuid LANGUAGE sql STABLE AS $$
  -- As a UUIDv7 is: in the order of creation, from twenty hours before on, then at random. What is kept by day goes by it.
  SELECT (lpad(to_hex((extract(epoch FROM current_setting('fill.now')::timestamptz - interval '20 hours') * 1000)::bigint + n), 12, '0')
    || '7' || substr(md5(kind || n::text), 1, 3) || '8' || substr(md5(kind || n::text), 4, 15))::uuid
$$;
CREATE OR REPLACE FUNCTION pg_temp.client_of(n bigint, k bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT (string_to_array(current_setting('fill.clients'), ','))
    [1 + (n + n / 5 + k) % cardinality(string_to_array(current_setting('fill.clients'), ','))]
$$;
CREATE OR REPLACE FUNCTION pg_temp.is_alive(n bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT n % 5 < 2 $$;
CREATE OR REPLACE FUNCTION pg_temp.is_on_record(n bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT n % 5 = 2 $$;
CREATE OR REPLACE FUNCTION pg_temp.account_of(n bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT n / current_setting('fill.per_account')::bigint
$$;
CREATE OR REPLACE FUNCTION pg_temp.began(n bigint) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT current_setting('fill.now')::timestamptz - interval '20 hours' + make_interval(secs => (n % 36000)::double precision)
$$;
CREATE OR REPLACE FUNCTION pg_temp.ended(n bigint) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT current_setting('fill.now')::timestamptz - interval '9 hours' + make_interval(secs => (n % 30000)::double precision)
$$;
CREATE OR REPLACE FUNCTION pg_temp.numbers() RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
  SELECT generate_series(current_setting('fill.from')::bigint, current_setting('fill.to')::bigint)
$$;

-- step: accounts
INSERT INTO accounts (id, login, claims, created_at, updated_at)
SELECT pg_temp.id_of('account', a), 'filled-' || a || '@example.com', jsonb_build_object('name', 'Person ' || a, 'email', 'filled-' || a || '@example.com'),
       current_setting('fill.now')::timestamptz, current_setting('fill.now')::timestamptz
  FROM (SELECT DISTINCT pg_temp.account_of(n) AS a FROM pg_temp.numbers() n) x
ON CONFLICT DO NOTHING;

-- step: sessions
INSERT INTO sessions (id, cookie_hash, account_id, authenticated_at, amr, created_at, last_seen_at, idle_expires_at, expires_at,
                      client_count, address, user_agent, terminated_at, termination_id)
SELECT pg_temp.id_of('session', n), sha256(('cookie' || n)::bytea), pg_temp.id_of('account', pg_temp.account_of(n)), pg_temp.began(n),
       '{pwd}', pg_temp.began(n), pg_temp.began(n) + interval '10 hours', pg_temp.began(n) + interval '58 hours', pg_temp.began(n) + interval '14 days',
       current_setting('fill.participants')::int, '192.0.2.1', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0',
       CASE WHEN NOT pg_temp.is_alive(n) THEN pg_temp.ended(n) END, CASE WHEN NOT pg_temp.is_alive(n) THEN pg_temp.id_of('termination', n) END
  FROM pg_temp.numbers() n;

-- step: participants
INSERT INTO session_clients (account_id, session_id, client_id, sid, joined_at)
SELECT pg_temp.id_of('account', pg_temp.account_of(n)), pg_temp.id_of('session', n), pg_temp.client_of(n, k), pg_temp.id_of('sid' || k, n)::text, pg_temp.began(n)
  FROM pg_temp.numbers() n, generate_series(0, current_setting('fill.participants')::bigint - 1) k;

-- step: grants
INSERT INTO grants (id, account_id, client_id, session_id, offline, scope, authenticated_at, amr, created_at, revoked_at, revoked_cause,
                    code_hash, code_expires_at, code_consumed_at, redirect_uri, refresh_root_hash, refresh_expires_at, keep_until)
SELECT pg_temp.id_of('grant', n), pg_temp.id_of('account', pg_temp.account_of(n)), pg_temp.client_of(n, 0), pg_temp.id_of('session', n), false, 'openid profile',
       pg_temp.began(n), '{pwd}', pg_temp.began(n),
       CASE WHEN NOT pg_temp.is_alive(n) THEN pg_temp.ended(n) END, CASE WHEN NOT pg_temp.is_alive(n) THEN 'end_session' END,
       sha256(('code' || n)::bytea), pg_temp.began(n) + interval '1 minute', pg_temp.began(n), 'https://app.example/callback',
       sha256(('refresh' || n)::bytea), pg_temp.began(n) + interval '30 days', (pg_temp.began(n) + interval '31 days')::date
  FROM pg_temp.numbers() n;

-- step: opaque tokens, revoked tokens, interactions
INSERT INTO opaque_access_tokens (account_id, token_hash, jti, grant_id, client_id, scope, audience, issued_at, expires_at)
SELECT pg_temp.id_of('account', pg_temp.account_of(n)), sha256(('opaque' || n)::bytea), pg_temp.id_of('jti', n)::text, pg_temp.id_of('grant', n), pg_temp.client_of(n, 0), 'openid profile', '{}',
       pg_temp.began(n), current_setting('fill.now')::timestamptz + interval '1 day'
  FROM pg_temp.numbers() n WHERE n % 4 = 0;
INSERT INTO revoked_access_tokens (account_id, jti, expires_at)
SELECT pg_temp.id_of('account', pg_temp.account_of(n)), pg_temp.id_of('jti', n)::text, current_setting('fill.now')::timestamptz + interval '1 day'
  FROM pg_temp.numbers() n WHERE n % 4 = 1;
INSERT INTO interactions (id_hash, browser_hash, client_id, created_at, expires_at)
SELECT sha256(('interaction' || n)::bytea), sha256(('browser' || n)::bytea), pg_temp.client_of(n, 0), pg_temp.began(n),
       current_setting('fill.now')::timestamptz + interval '1 day'
  FROM pg_temp.numbers() n WHERE n % 4 = 2;

-- step: consents, links to other providers, limits
INSERT INTO consents (account_id, client_id, scope, claims, granted_at)
SELECT pg_temp.id_of('account', pg_temp.account_of(n)), pg_temp.client_of(n, 0), '{openid,profile}', '{}', pg_temp.began(n)
  FROM pg_temp.numbers() n WHERE n % 4 = 3
ON CONFLICT DO NOTHING;
INSERT INTO upstream_identities (issuer, sub, account_id, owns_claims, linked_at)
SELECT 'https://corporate.example', 'sub-' || n, pg_temp.id_of('account', pg_temp.account_of(n)), false, pg_temp.began(n)
  FROM pg_temp.numbers() n WHERE n % 4 = 3;
INSERT INTO session_upstreams (account_id, session_id, issuer, upstream_id, sub, sid, id_token, authenticated_at)
SELECT pg_temp.id_of('account', pg_temp.account_of(n)), pg_temp.id_of('session', n), 'https://corporate.example', pg_temp.id_of('upstream', 1), 'sub-' || n, pg_temp.id_of('theirs', n)::text,
       repeat(md5('token' || n), 20), pg_temp.began(n)
  FROM pg_temp.numbers() n WHERE n % 4 = 3;
INSERT INTO rate_limits (key, points, expire)
SELECT 'filled:' || n, 1, (extract(epoch FROM current_setting('fill.now')::timestamptz + interval '1 day') * 1000)::bigint
  FROM pg_temp.numbers() n WHERE n % 4 = 3;

-- step: terminations
INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, occurred_at, without_notice)
SELECT pg_temp.id_of('termination', n), CASE WHEN n % 1000 = 2 THEN 'refresh_token_reuse' ELSE 'end_session' END, '{"kind": "user"}',
       pg_temp.id_of('account', pg_temp.account_of(n)), 1, 1, 1, pg_temp.ended(n), '[]'
  FROM pg_temp.numbers() n WHERE pg_temp.is_on_record(n);

-- step: notices
INSERT INTO logout_deliveries (id, termination_id, client_id, account_id, bucket, cause, sub, sid, state, attempts, next_attempt_at, created_at, finished_at, last_error)
SELECT pg_temp.id_of('delivery', n), pg_temp.id_of('termination', n), pg_temp.client_of(n, 0), a.id, get_byte(uuid_send(a.id), 15) & 15, 'end_session', a.id::text,
       pg_temp.id_of('sid0', n)::text, CASE WHEN n % 200 = 2 THEN 'rejected' ELSE 'abandoned' END, 1,
       pg_temp.ended(n), pg_temp.ended(n), pg_temp.ended(n), CASE WHEN n % 200 = 2 THEN 'http_400' ELSE 'http_503' END
  FROM pg_temp.numbers() n CROSS JOIN LATERAL (SELECT pg_temp.id_of('account', pg_temp.account_of(n)) AS id) a
 WHERE pg_temp.is_on_record(n) AND (n % 200 = 2 OR n % 500 = 7);
INSERT INTO logout_delivered (id, termination_id, client_id, account_id, sub, sid, attempts, created_at, finished_at, jti, started_at, duration_ms, status)
SELECT pg_temp.id_of('delivery', n), pg_temp.id_of('termination', n), pg_temp.client_of(n, 0), a.id, a.id::text, pg_temp.id_of('sid0', n)::text, 1,
       pg_temp.ended(n), pg_temp.ended(n), pg_temp.id_of('notice', n)::text, pg_temp.ended(n), 12, 200
  FROM pg_temp.numbers() n CROSS JOIN LATERAL (SELECT pg_temp.id_of('account', pg_temp.account_of(n)) AS id) a
 WHERE pg_temp.is_on_record(n) AND NOT (n % 200 = 2 OR n % 500 = 7);

-- step: attempts
INSERT INTO logout_delivery_attempts (delivery_id, number, jti, started_at, duration_ms, status)
SELECT pg_temp.id_of('delivery', n), 1, pg_temp.id_of('notice', n)::text, pg_temp.ended(n), 12, CASE WHEN n % 200 = 2 THEN 400 ELSE 503 END
  FROM pg_temp.numbers() n WHERE pg_temp.is_on_record(n) AND (n % 200 = 2 OR n % 500 = 7);

-- step: receipts
INSERT INTO logout_receipts (sequence, termination_id, revision, jws, hash, previous_hash, issued_at)
SELECT current_setting('fill.receipts_before')::bigint + n, pg_temp.id_of('termination', n), 1, repeat(md5('receipt' || n), 24), md5('hash' || n), md5('hash' || n - 1), pg_temp.ended(n)
  FROM pg_temp.numbers() n WHERE pg_temp.is_on_record(n);

-- step: audit events
INSERT INTO audit_events (id, at, event, outcome, details)
SELECT pg_temp.id_of('audit', n), pg_temp.ended(n), 'session_termination', 'done',
       jsonb_build_object('termination_id', pg_temp.id_of('termination', n), 'cause', 'end_session', 'initiator', 'user', 'sessions', 1, 'grants_revoked', 1, 'deliveries', 1)
  FROM pg_temp.numbers() n WHERE pg_temp.is_on_record(n);
