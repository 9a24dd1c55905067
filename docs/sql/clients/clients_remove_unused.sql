-- clients_remove_unused, declared in src/domain/clients/client.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT client_id FROM clients WHERE created_at < :before AND first_used_at IS NULL AND registration_token_hash IS NOT NULL AND deleted_at IS NULL ORDER BY created_at LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM clients WHERE client_id = ANY (ARRAY(SELECT client_id FROM due)) AND (client_id) IN (SELECT client_id FROM due) RETURNING 1 AS removed;
