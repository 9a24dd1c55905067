-- grants_remove_of_removed_clients, declared in src/domain/tokens/grant.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT d.* FROM (SELECT r.client_id FROM clients r WHERE r.deleted_at < :before ORDER BY r.deleted_at LIMIT 100) o
   CROSS JOIN LATERAL (
     SELECT account_id, id FROM grants x WHERE x.client_id = o.client_id LIMIT 1000 FOR UPDATE SKIP LOCKED
   ) d LIMIT 1000
)
DELETE FROM grants WHERE account_id = ANY (ARRAY(SELECT account_id FROM due)) AND (account_id, id) IN (SELECT account_id, id FROM due) RETURNING 1 AS removed;
