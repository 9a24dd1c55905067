-- receipts_remove_old, declared in src/domain/logout/receipts/receipt.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT sequence FROM logout_receipts WHERE sequence < coalesce((SELECT min(r.sequence) FROM logout_receipts r WHERE r.issued_at >= :before),
                              (SELECT max(r.sequence) FROM logout_receipts r)) ORDER BY sequence LIMIT 1000 FOR UPDATE SKIP LOCKED
)
DELETE FROM logout_receipts WHERE (sequence) IN (SELECT sequence FROM due) RETURNING 1 AS removed;
