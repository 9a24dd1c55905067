-- receipts_head, declared in src/domain/logout/receipts/receipt.repository.ts
-- row:
--   sequence bigint
--   hash text
--   issued_at timestamptz

SELECT sequence, hash, issued_at FROM logout_receipts ORDER BY sequence DESC LIMIT 1;
