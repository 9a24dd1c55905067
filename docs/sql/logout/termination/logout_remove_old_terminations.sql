-- logout_remove_old_terminations, declared in src/domain/logout/termination/termination-record.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
      SELECT id FROM session_terminations WHERE occurred_at < :before AND NOT EXISTS (
SELECT 1 FROM logout_deliveries d WHERE d.termination_id = session_terminations.id AND d.state = 'pending') ORDER BY occurred_at LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM session_terminations WHERE (id) IN (SELECT id FROM due) RETURNING 1 AS removed;
