-- receipts_issue, declared in src/domain/logout/receipts/receipt.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   sequences bigint[]
--   terminationIds uuid[]
--   revisions int[]
--   jws text[]
--   hashes text[]
--   previousHashes text[]
--   issuedAt timestamptz

WITH issued AS (
  INSERT INTO logout_receipts (sequence, termination_id, revision, jws, hash, previous_hash, issued_at)
  SELECT r.*, :issuedAt FROM unnest((SELECT :sequences), (SELECT :terminationIds), (SELECT :revisions), (SELECT :jws), (SELECT :hashes), (SELECT :previousHashes)) AS r
)
DELETE FROM logout_receipts_owed o WHERE o.termination_id = ANY(:terminationIds);
