-- logout_deliveries_lease, declared in src/domain/logout/notices/delivery-claim.sql.ts
-- parameters:
--   node uuid
--   now timestamptz
--   until timestamptz
--   looked int[]
--   limit int
-- row:
--   buckets int[]
--   busy boolean

WITH RECURSIVE pairs AS (
  (SELECT d.client_id, d.bucket FROM logout_deliveries d WHERE d.state = 'pending' ORDER BY d.client_id, d.bucket LIMIT 1)
   UNION ALL
  SELECT next.client_id, next.bucket
    FROM pairs p CROSS JOIN LATERAL (
      SELECT d.client_id, d.bucket FROM logout_deliveries d
       WHERE d.state = 'pending' AND (d.client_id, d.bucket) > (p.client_id, p.bucket) ORDER BY d.client_id, d.bucket LIMIT 1
    ) next
), due AS MATERIALIZED (
  SELECT DISTINCT p.bucket FROM pairs p CROSS JOIN LATERAL (
    SELECT d.next_attempt_at FROM logout_deliveries d
     WHERE d.state = 'pending' AND d.client_id = p.client_id AND d.bucket = p.bucket ORDER BY d.next_attempt_at LIMIT 1
  ) oldest WHERE oldest.next_attempt_at <= :now
), mine AS MATERIALIZED (
  SELECT b.bucket FROM logout_delivery_buckets b
   WHERE b.bucket IN (SELECT bucket FROM due) AND b.bucket <> ALL(:looked) AND (b.leased_by = :node OR b.leased_until <= :now)
   ORDER BY b.leased_until, b.bucket LIMIT :limit FOR UPDATE SKIP LOCKED
), leased AS (
  UPDATE logout_delivery_buckets b SET leased_by = :node, leased_until = :until FROM mine WHERE b.bucket = mine.bucket
  RETURNING b.bucket
)
SELECT ARRAY(SELECT l.bucket FROM leased l) AS buckets,
       EXISTS (SELECT 1 FROM due d WHERE d.bucket <> ALL(:looked) AND d.bucket NOT IN (SELECT m.bucket FROM mine m)) AS busy;
