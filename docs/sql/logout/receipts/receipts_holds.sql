-- receipts_holds, declared in src/domain/logout/receipts/receipt.repository.ts
-- parameters:
--   sequence bigint
--   hash text
-- row:
--   same boolean

SELECT hash = :hash AS same FROM logout_receipts WHERE sequence = :sequence;
