-- audit_remove_old_refusals, declared in src/platform/audit/audit-log.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT id FROM audit_events WHERE outcome = 'refused' AND id < (lpad(to_hex((extract(epoch FROM :before) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid AND id >= (lpad(to_hex((extract(epoch FROM :before - interval '30 days') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid ORDER BY id LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM audit_events WHERE id = ANY (ARRAY(SELECT id FROM due)) AND (id) IN (SELECT id FROM due) RETURNING 1 AS removed;
