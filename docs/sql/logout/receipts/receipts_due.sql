-- receipts_due, declared in src/domain/logout/receipts/receipt.repository.ts
-- parameters:
--   terminationIds uuid[]
--   limit int
-- row:
--   id uuid
--   cause text
--   initiator text
--   account_id uuid, may be null
--   sessions int
--   grants_revoked int
--   occurred_at timestamptz
--   without_notice jsonb
--   applications json, may be null
--   superseded bigint, may be null
--   revision int, may be null

WITH due AS MATERIALIZED (
  SELECT o.termination_id FROM logout_receipts_owed o
   WHERE o.termination_id = ANY(:terminationIds) AND NOT EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.termination_id = o.termination_id AND d.state = (SELECT 'pending'))
   ORDER BY o.termination_id LIMIT :limit FOR UPDATE OF o SKIP LOCKED
)
SELECT t.id, t.cause, t.initiator ->> 'kind' AS initiator, t.account_id, t.sessions, t.grants_revoked, t.occurred_at,
       t.without_notice, a.applications, r.sequence AS superseded, r.revision
  FROM due o
 CROSS JOIN LATERAL (SELECT * FROM session_terminations x WHERE x.id = o.termination_id OFFSET 0) t
  LEFT JOIN LATERAL (
    SELECT json_agg(json_build_object('client_id', g.client_id, 'outcome', g.state, 'notices', g.notices,
                                      'attempts', g.attempts, 'finished_at', g.finished_at) ORDER BY g.client_id, g.state) AS applications
      FROM (
SELECT d.client_id, d.state, count(*)::int AS notices, sum(d.attempts)::int AS attempts, max(d.finished_at) AS finished_at
  FROM (SELECT x.client_id, x.state, x.attempts, x.finished_at FROM (SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'pending') UNION ALL SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'rejected') UNION ALL SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'abandoned') UNION ALL SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, 'delivered' AS state, NULL::timestamptz AS next_attempt_at, NULL::text AS last_error, jti, started_at, duration_ms, status
  FROM logout_delivered) x WHERE x.termination_id = o.termination_id LIMIT ALL) d
 GROUP BY d.client_id, d.state) g
  ) a ON true
  LEFT JOIN LATERAL (
    SELECT x.sequence, x.revision FROM logout_receipts x
     WHERE x.termination_id = o.termination_id AND x.issued_at >= t.occurred_at - interval '1 hour' ORDER BY x.revision DESC LIMIT 1
  ) r ON true
 ORDER BY o.termination_id;
