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
 SELECT d.client_id, d.state, NULL::text AS reason, count(*)::int AS notices, sum(d.attempts)::int AS attempts,
        max(d.finished_at) AS finished_at
   FROM (SELECT x.client_id, x.state, x.attempts, x.finished_at FROM logout_deliveries x
          WHERE x.termination_id = t.id LIMIT :notices) d
  GROUP BY d.client_id, d.state
  UNION ALL
 SELECT w.client_id, w.state, w.reason, 0, 0, NULL
   FROM jsonb_to_recordset(t.without_notice) AS w(client_id text, state text, reason text)) g
 WHERE t.id = ANY(:ids) ORDER BY t.id, g.client_id, g.state, g.reason;
