-- receipts_after, declared in src/domain/logout/receipts/receipt.repository.ts
-- parameters:
--   sequence bigint
--   limit int
-- row:
--   sequence bigint
--   termination_id uuid
--   revision int
--   jws text
--   hash text
--   previous_hash text, may be null
--   issued_at timestamptz

SELECT r.sequence, r.termination_id, r.revision, r.jws, r.hash, r.previous_hash, r.issued_at FROM logout_receipts r WHERE r.sequence > :sequence ORDER BY r.sequence LIMIT :limit;
