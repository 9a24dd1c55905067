-- logout_remove_old_terminations, declared in src/domain/logout/termination/termination-record.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

DELETE FROM session_terminations WHERE id < (lpad(to_hex((extract(epoch FROM :before) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid AND id = ANY(ARRAY(
  SELECT x.id FROM session_terminations x WHERE x.id < (lpad(to_hex((extract(epoch FROM :before) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid AND NOT (EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.termination_id = x.id AND d.state = (SELECT 'pending')) OR EXISTS (SELECT 1 FROM logout_receipts_owed o WHERE o.termination_id = x.id)) ORDER BY x.id LIMIT 1000))
RETURNING 1 AS removed;
