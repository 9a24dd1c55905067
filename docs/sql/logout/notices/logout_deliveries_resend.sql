-- logout_deliveries_resend, declared in src/domain/logout/notices/redelivery.repository.ts
-- parameters:
--   now timestamptz
--   ids uuid[], may be null
--   state text, may be null
--   clientId text, may be null
--   terminationId uuid, may be null
--   errorCode text, may be null
--   createdAfter timestamptz, may be null
--   createdBefore timestamptz, may be null
-- row:
--   client_id text
--   resent int

WITH resent AS (
  UPDATE logout_deliveries d SET state = 'pending', next_attempt_at = :now, resent_at = :now, finished_at = NULL, claimed_until = NULL
   WHERE (:ids IS NULL OR d.id = ANY(:ids)) AND (:state IS NULL OR d.state = :state) AND (:clientId IS NULL OR d.client_id = :clientId)
   AND (:terminationId IS NULL OR d.termination_id = :terminationId) AND (:errorCode IS NULL OR d.last_error = :errorCode)
   AND (:createdAfter IS NULL OR d.created_at >= :createdAfter) AND (:createdBefore IS NULL OR d.created_at < :createdBefore) AND (d.state IN ('rejected', 'abandoned') OR (d.state = 'pending' AND (d.claimed_until IS NULL OR d.claimed_until <= :now) AND (d.attempts > 0 OR d.next_attempt_at <= :now)))
     AND EXISTS (SELECT 1 FROM clients c WHERE c.client_id = d.client_id AND c.metadata ->> 'backchannel_logout_uri' IS NOT NULL)
  RETURNING d.client_id
)
SELECT client_id, count(*)::int AS resent FROM resent GROUP BY client_id;
