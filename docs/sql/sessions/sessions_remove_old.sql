-- sessions_remove_old, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT id FROM sessions WHERE terminated_at < :before ORDER BY terminated_at LIMIT 1000 FOR UPDATE SKIP LOCKED
)
DELETE FROM sessions WHERE (id) IN (SELECT id FROM due) RETURNING 1 AS removed;
