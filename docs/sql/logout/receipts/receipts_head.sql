-- receipts_head, declared in src/domain/logout/receipts/receipt.repository.ts
-- row:
--   sequence bigint
--   hash text

SELECT sequence, hash FROM logout_receipts ORDER BY sequence DESC LIMIT 1;
