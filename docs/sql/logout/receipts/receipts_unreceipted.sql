-- receipts_unreceipted, declared in src/domain/logout/receipts/receipt.repository.ts
-- parameters:
--   after uuid, may be null
--   limit int
-- row:
--   id uuid

SELECT id FROM session_terminations WHERE receipted_at IS NULL AND (:after IS NULL OR id > :after) ORDER BY id LIMIT :limit;
