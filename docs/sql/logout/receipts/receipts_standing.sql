-- receipts_standing, declared in src/domain/logout/receipts/receipts.service.ts
-- parameters:
--   terminationId uuid
-- row:
--   receipted boolean
--   occurred_at timestamptz
--   without_notice jsonb
--   applications json, may be null

SELECT NOT EXISTS (SELECT 1 FROM logout_receipts_owed o WHERE o.termination_id = t.id) AS receipted, t.occurred_at, t.without_notice, a.applications FROM session_terminations t
  LEFT JOIN LATERAL (
    SELECT json_agg(json_build_object('clientId', g.client_id, 'state', g.state, 'notices', g.notices, 'attempts', g.attempts)
                    ORDER BY g.client_id, g.state) AS applications
      FROM (
SELECT d.client_id, d.state, count(*)::int AS notices, sum(d.attempts)::int AS attempts, max(d.finished_at) AS finished_at
  FROM (SELECT x.client_id, x.state, x.attempts, x.finished_at FROM (SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'pending') UNION ALL SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'rejected') UNION ALL SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'abandoned') UNION ALL SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, 'delivered' AS state, NULL::timestamptz AS next_attempt_at, NULL::text AS last_error, jti, started_at, duration_ms, status
  FROM logout_delivered) x WHERE x.termination_id = t.id LIMIT ALL) d
 GROUP BY d.client_id, d.state) g
  ) a ON true
 WHERE t.id = :terminationId;
