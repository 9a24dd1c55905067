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
--   next_attempt_at timestamptz
--   created_at timestamptz
--   finished_at timestamptz, may be null
--   resent_at timestamptz, may be null
--   last_error text, may be null
--   attempts_made json

SELECT d.id, d.termination_id, d.client_id, d.sub, d.sid, d.state, d.attempts, d.next_attempt_at, d.created_at, d.finished_at,
       d.resent_at, d.last_error, a.attempts_made FROM (
  SELECT * FROM (SELECT * FROM logout_deliveries WHERE termination_id = :terminationId LIMIT :sorted) x
   ORDER BY array_position(ARRAY['pending', 'abandoned', 'rejected'], x.state), x.created_at, x.client_id, x.id LIMIT :limit
) d
CROSS JOIN LATERAL (
  SELECT coalesce(json_agg(json_build_object('number', l.number, 'jti', l.jti, 'started_at', l.started_at, 'duration_ms', l.duration_ms,
                                             'status', l.status, 'error_code', l.error_code) ORDER BY l.number), '[]') AS attempts_made
    FROM (SELECT * FROM logout_delivery_attempts y WHERE y.delivery_id = d.id ORDER BY y.number DESC LIMIT :attempts) l
) a
ORDER BY array_position(ARRAY['pending', 'abandoned', 'rejected'], d.state), d.created_at, d.client_id, d.id;
