-- logout_watch_progress, declared in src/domain/logout/insight/termination-watch.ts
-- parameters:
--   ids uuid[]
--   notices int
-- row:
--   id uuid
--   client_id text
--   state text
--   reason text, may be null
--   notices int
--   attempts int

SELECT t.id, g.client_id, g.state, g.reason, g.notices, g.attempts
  FROM session_terminations t CROSS JOIN LATERAL (
 SELECT n.client_id, n.state, NULL::text AS reason, n.notices, n.attempts, n.finished_at FROM (
 SELECT d.client_id, d.state, count(*)::int AS notices, sum(d.attempts)::int AS attempts, max(d.finished_at) AS finished_at
   FROM (SELECT x.client_id, x.state, x.attempts, x.finished_at FROM (SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'pending') UNION ALL SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'rejected') UNION ALL SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'abandoned') UNION ALL SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, 'delivered' AS state, NULL::timestamptz AS next_attempt_at, NULL::text AS last_error, jti, started_at, duration_ms, status
   FROM logout_delivered) x WHERE x.termination_id = t.id LIMIT :notices) d
  GROUP BY d.client_id, d.state) n
  UNION ALL
 SELECT w.client_id, w.state, w.reason, 0, 0, NULL
   FROM jsonb_to_recordset(t.without_notice) AS w(client_id text, state text, reason text)) g
 WHERE t.id = ANY (ARRAY(SELECT unnest(:ids))) ORDER BY t.id, g.client_id, g.state, g.reason;
