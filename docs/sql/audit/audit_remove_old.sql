-- audit_remove_old, declared in src/platform/audit/audit-log.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

DELETE FROM audit_events WHERE id < (lpad(to_hex((extract(epoch FROM :before) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid AND id = ANY(ARRAY(
  SELECT x.id FROM audit_events x WHERE x.id < (lpad(to_hex((extract(epoch FROM :before) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid AND true ORDER BY x.id LIMIT 1000))
RETURNING 1 AS removed;
