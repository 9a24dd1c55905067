-- grants_remove_done_with, declared in src/domain/tokens/grant.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT account_id, id FROM grants WHERE keep_until < (:before AT TIME ZONE 'UTC')::date ORDER BY keep_until LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM grants WHERE account_id = ANY (ARRAY(SELECT account_id FROM due)) AND (account_id, id) IN (SELECT account_id, id FROM due) RETURNING 1 AS removed;
