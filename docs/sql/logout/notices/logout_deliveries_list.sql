-- logout_deliveries_list, declared in src/domain/logout/notices/delivery-ledger.repository.ts
-- parameters:
--   cursor uuid, may be null
--   state text, may be null
--   clientId text, may be null
--   terminationId uuid, may be null
--   id uuid, may be null
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
--   next_attempt_at timestamptz
--   created_at timestamptz
--   finished_at timestamptz, may be null
--   resent_at timestamptz, may be null
--   last_error text, may be null

SELECT d.id, d.termination_id, d.client_id, d.sub, d.sid, d.state, d.attempts, d.next_attempt_at, d.created_at, d.finished_at,
       d.resent_at, d.last_error FROM logout_deliveries d
 WHERE (:cursor IS NULL OR (d.created_at, d.id) < (SELECT c.created_at, c.id FROM logout_deliveries c WHERE c.id = :cursor))
   AND (:state IS NULL OR d.state = :state) AND (:clientId IS NULL OR d.client_id = :clientId)
   AND (:terminationId IS NULL OR d.termination_id = :terminationId) AND (:id IS NULL OR d.id = :id)
   AND (:errorCode IS NULL OR d.last_error = :errorCode)
   AND (:createdAfter IS NULL OR d.created_at >= :createdAfter) AND (:createdBefore IS NULL OR d.created_at < :createdBefore)
 ORDER BY d.created_at DESC, d.id DESC LIMIT :limit;
