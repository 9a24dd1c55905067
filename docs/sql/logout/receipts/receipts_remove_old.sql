-- receipts_remove_old, declared in src/domain/logout/receipts/receipt-retention.sql.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH oldest AS MATERIALIZED (
  -- Time does not go back along the chain: where the first may stay, no other is looked at.
  SELECT r.sequence, r.issued_at FROM logout_receipts r
   WHERE (SELECT f.issued_at FROM logout_receipts f ORDER BY f.sequence LIMIT 1) < :before ORDER BY r.sequence LIMIT 1000
),
edge AS MATERIALIZED (
  SELECT least(coalesce((SELECT min(o.sequence) FROM oldest o WHERE o.issued_at >= :before), (SELECT max(o.sequence) + 1 FROM oldest o)),
               (SELECT max(r.sequence) FROM logout_receipts r)) AS sequence
)
DELETE FROM logout_receipts WHERE issued_at < :before
   AND sequence = ANY(ARRAY(SELECT o.sequence FROM oldest o, edge e WHERE o.sequence < e.sequence))
RETURNING 1 AS removed;
