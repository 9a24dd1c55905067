-- receipts_owed, declared in src/domain/logout/receipts/receipt.repository.ts
-- parameters:
--   after uuid, may be null
--   limit int
-- row:
--   id uuid
--   ready boolean

SELECT o.termination_id AS id, NOT EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.termination_id = o.termination_id AND d.state = (SELECT 'pending')) AS ready
  -- In one comparison, so that the index is entered where the page begins.
  FROM (SELECT x.termination_id FROM logout_receipts_owed x
         WHERE x.termination_id > coalesce(:after, '00000000-0000-0000-0000-000000000000')
         ORDER BY x.termination_id LIMIT :limit) o
 ORDER BY o.termination_id;
