-- grants_remove_of_removed_clients, declared in src/domain/tokens/grant.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (SELECT id FROM grants WHERE client_id = ANY (ARRAY(SELECT c.client_id FROM clients c WHERE c.deleted_at < :before)) LIMIT 1000 FOR UPDATE SKIP LOCKED)
DELETE FROM grants WHERE (id) IN (SELECT id FROM due) RETURNING 1 AS removed;
