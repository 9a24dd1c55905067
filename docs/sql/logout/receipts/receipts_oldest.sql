-- receipts_oldest, declared in src/domain/logout/receipts/receipt.repository.ts
-- row:
--   sequence bigint, may be null

SELECT min(sequence) AS sequence FROM logout_receipts;
