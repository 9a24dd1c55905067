-- receipts_remove_orphaned, declared in src/domain/logout/receipts/receipt-retention.sql.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT termination_id FROM logout_receipts_owed WHERE termination_id < (lpad(to_hex((extract(epoch FROM :before) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid ORDER BY termination_id LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM logout_receipts_owed WHERE termination_id = ANY (ARRAY(SELECT termination_id FROM due)) AND (termination_id) IN (SELECT termination_id FROM due) RETURNING 1 AS removed;
