-- logout_deliveries_list, declared in src/domain/logout/notices/delivery-ledger.repository.ts
-- parameters:
--   cursor uuid, may be null
--   cursorTermination uuid, may be null
--   state text, may be null
--   clientId text, may be null
--   terminationId uuid, may be null
--   errorCode text, may be null
--   createdAfter timestamptz, may be null
--   createdBefore timestamptz, may be null
--   limit int
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

SELECT d.id, d.termination_id, d.client_id, d.sub, d.sid, d.state, d.attempts, d.next_attempt_at, d.created_at, d.finished_at,
       d.resent_at, d.last_error FROM (SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at,
         NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries UNION ALL SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, 'delivered', NULL, NULL, jti, started_at, duration_ms, status FROM logout_delivered) d
 WHERE (:cursor IS NULL OR (d.termination_id, d.id) < (:cursorTermination, :cursor))
   AND (:state IS NULL OR d.state = :state) AND (:clientId IS NULL OR d.client_id = :clientId)
   AND (:terminationId IS NULL OR d.termination_id = :terminationId)
   AND (:errorCode IS NULL OR d.last_error = :errorCode)
   AND (:createdAfter IS NULL OR d.created_at >= :createdAfter) AND (:createdBefore IS NULL OR d.created_at < :createdBefore)
 ORDER BY d.termination_id DESC, d.id DESC LIMIT :limit;
