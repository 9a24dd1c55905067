-- clients_remove_deleted, declared in src/domain/clients/client.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (SELECT client_id FROM clients WHERE deleted_at < :before LIMIT 1000 FOR UPDATE SKIP LOCKED)
DELETE FROM clients WHERE (client_id) IN (SELECT client_id FROM due) RETURNING 1 AS removed;
