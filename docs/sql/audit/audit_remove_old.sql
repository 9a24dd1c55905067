-- audit_remove_old, declared in src/platform/audit/audit-log.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT id FROM audit_events WHERE at < :before ORDER BY at LIMIT 1000 FOR UPDATE SKIP LOCKED
)
DELETE FROM audit_events WHERE (id) IN (SELECT id FROM due) RETURNING 1 AS removed;
