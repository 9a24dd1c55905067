-- logout_deliveries_timeline, declared in src/domain/logout/notices/delivery-ledger.repository.ts
-- parameters:
--   terminationId uuid
--   sorted int
--   limit int
--   attempts int
-- row:
--   id uuid
--   termination_id uuid
--   client_id text
--   sub text
--   sid text, may be null
--   state text
--   attempts int
--   next_attempt_at timestamptz, may be null
--   created_at timestamptz
--   finished_at timestamptz, may be null
--   resent_at timestamptz, may be null
--   last_error text, may be null
--   attempts_made json

SELECT d.id, d.termination_id, d.client_id, d.sub, d.sid, d.state, d.attempts, d.next_attempt_at, d.created_at, d.finished_at,
       d.resent_at, d.last_error, (
  SELECT coalesce(json_agg(json_build_object('number', l.number, 'jti', l.jti, 'started_at', l.started_at, 'duration_ms', l.duration_ms,
                                             'status', l.status, 'error_code', l.error_code) ORDER BY l.number), '[]')
    FROM (SELECT * FROM (SELECT y.number, y.jti, y.started_at, y.duration_ms, y.status, y.error_code FROM logout_delivery_attempts y
                          WHERE y.delivery_id = d.id AND y.started_at >= d.created_at - interval '1 hour'
                          UNION ALL
                         SELECT d.attempts, d.jti, d.started_at, d.duration_ms, d.status, NULL WHERE d.jti IS NOT NULL) m
           ORDER BY m.number DESC LIMIT :attempts) l) AS attempts_made FROM (
  SELECT * FROM (SELECT * FROM (SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'pending') UNION ALL SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'rejected') UNION ALL SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'abandoned') UNION ALL SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, 'delivered' AS state, NULL::timestamptz AS next_attempt_at, NULL::text AS last_error, jti, started_at, duration_ms, status
   FROM logout_delivered) n WHERE n.termination_id = :terminationId LIMIT :sorted) x
   ORDER BY array_position(ARRAY['pending', 'abandoned', 'rejected'], x.state), x.created_at, x.client_id, x.id LIMIT :limit
) d
ORDER BY array_position(ARRAY['pending', 'abandoned', 'rejected'], d.state), d.created_at, d.client_id, d.id;
