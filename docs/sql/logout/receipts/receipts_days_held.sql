-- receipts_days_held, declared in src/domain/logout/receipts/receipt-retention.sql.ts
-- parameters:
--   from timestamptz
--   to timestamptz
-- row:
--   held boolean

SELECT EXISTS (SELECT 1 FROM logout_receipts r WHERE r.issued_at >= :from AND r.issued_at < :to)
AND NOT EXISTS (SELECT 1 FROM logout_receipts r WHERE r.issued_at >= :to) AS held;
