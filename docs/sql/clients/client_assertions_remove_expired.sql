-- client_assertions_remove_expired, declared in src/domain/clients/used-assertion.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT client_id, jti_hash FROM used_client_assertions WHERE expires_at < :before ORDER BY expires_at LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM used_client_assertions WHERE client_id = ANY (ARRAY(SELECT client_id FROM due)) AND (client_id, jti_hash) IN (SELECT client_id, jti_hash FROM due) RETURNING 1 AS removed;
