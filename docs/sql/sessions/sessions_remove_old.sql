-- sessions_remove_old, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT account_id, id FROM sessions WHERE terminated_at < :before ORDER BY terminated_at LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM sessions WHERE account_id = ANY (ARRAY(SELECT account_id FROM due)) AND (account_id, id) IN (SELECT account_id, id FROM due) RETURNING 1 AS removed;
