-- console_sessions_remove_expired, declared in src/domain/operators/console-session.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT id FROM console_sessions WHERE expires_at < :before ORDER BY expires_at LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM console_sessions WHERE id = ANY (ARRAY(SELECT id FROM due)) AND (id) IN (SELECT id FROM due) RETURNING 1 AS removed;
