-- logout_remove_old_delivered, declared in src/domain/logout/notices/delivery-ledger.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

DELETE FROM logout_delivered WHERE termination_id < (lpad(to_hex((extract(epoch FROM :before) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid AND termination_id = ANY(ARRAY(
  SELECT x.termination_id FROM logout_delivered x WHERE x.termination_id < (lpad(to_hex((extract(epoch FROM :before) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid AND NOT (EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.termination_id = x.termination_id AND d.state = (SELECT 'pending')) OR EXISTS (SELECT 1 FROM logout_receipts_owed o WHERE o.termination_id = x.termination_id)) ORDER BY x.termination_id LIMIT 1000))
RETURNING 1 AS removed;
