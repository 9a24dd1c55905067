-- receipts_try_lock, declared in src/domain/logout/receipts/receipt.repository.ts
-- parameters:
--   lock bigint
-- row:
--   mine boolean

SELECT pg_try_advisory_xact_lock(:lock) AS mine;
