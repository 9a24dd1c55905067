-- logout_remove_old_abandoned, declared in src/domain/logout/notices/delivery-ledger.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT id FROM logout_deliveries WHERE state = 'abandoned' AND termination_id < (lpad(to_hex((extract(epoch FROM :before) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid ORDER BY termination_id LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM logout_deliveries WHERE id = ANY (ARRAY(SELECT id FROM due)) AND (id) IN (SELECT id FROM due) RETURNING 1 AS removed;
