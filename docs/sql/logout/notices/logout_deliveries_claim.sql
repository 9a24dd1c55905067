-- logout_deliveries_claim, declared in src/domain/logout/notices/delivery-claim.sql.ts
-- parameters:
--   now timestamptz
--   claimedUntil timestamptz
--   limit int
--   perClient int
--   underWayClients text[]
--   underWayCounts int[]
--   node uuid
--   buckets int[]
-- row:
--   id uuid
--   termination_id uuid
--   client_id text
--   sub text
--   sid text, may be null
--   attempts int
--   created_at timestamptz
--   ages_from timestamptz
--   probe boolean
--   cause text
--   traceparent text, may be null

WITH RECURSIVE waiting AS (
  (SELECT d.client_id FROM logout_deliveries d WHERE d.state = 'pending' ORDER BY d.client_id LIMIT 1)
   UNION ALL
  SELECT (SELECT d.client_id FROM logout_deliveries d WHERE d.state = 'pending' AND d.client_id > w.client_id ORDER BY d.client_id LIMIT 1)
    FROM waiting w WHERE w.client_id IS NOT NULL
), heads AS MATERIALIZED (
  SELECT w.client_id, b.bucket, oldest.next_attempt_at
    FROM waiting w CROSS JOIN unnest((SELECT :buckets)) AS b(bucket) CROSS JOIN LATERAL (
      SELECT d.next_attempt_at FROM logout_deliveries d
       WHERE d.state = 'pending' AND d.client_id = w.client_id AND d.bucket = b.bucket AND d.next_attempt_at <= :now
       ORDER BY d.next_attempt_at LIMIT 1
    ) oldest
), applications AS MATERIALIZED (
  SELECT h.client_id, min(h.next_attempt_at) AS next_attempt_at FROM heads h GROUP BY h.client_id
), probed AS MATERIALIZED (
  SELECT b.client_id FROM logout_delivery_breakers b
   WHERE b.opened_at IS NOT NULL AND b.probe_at <= :now AND b.client_id IN (SELECT a.client_id FROM applications a)
     FOR UPDATE OF b SKIP LOCKED
), shares AS MATERIALIZED (
  SELECT a.client_id, a.next_attempt_at, p.client_id IS NOT NULL AS probe,
         CASE WHEN p.client_id IS NOT NULL THEN 1 WHEN b.client_id IS NOT NULL THEN 0 ELSE :perClient - coalesce(u.n, 0) END AS share
    FROM applications a
    LEFT JOIN probed p ON p.client_id = a.client_id
    LEFT JOIN logout_delivery_breakers b ON b.client_id = a.client_id AND b.opened_at IS NOT NULL
    LEFT JOIN unnest((SELECT :underWayClients), (SELECT :underWayCounts)) u(client_id, n) ON u.client_id = a.client_id
), due AS MATERIALIZED (
  SELECT notice.id, s.client_id, s.probe
    FROM (SELECT * FROM shares WHERE share > 0 ORDER BY next_attempt_at) s
   CROSS JOIN LATERAL (
     SELECT x.id FROM (SELECT h.bucket FROM heads h WHERE h.client_id = s.client_id ORDER BY h.next_attempt_at) b
      CROSS JOIN LATERAL (
       SELECT d.id FROM logout_deliveries d
        WHERE d.state = 'pending' AND d.client_id = s.client_id AND d.bucket = b.bucket AND d.next_attempt_at <= :now
        ORDER BY d.next_attempt_at LIMIT s.share
      ) x LIMIT s.share
   ) notice
   LIMIT (SELECT :limit)
), probing AS (
  UPDATE logout_delivery_breakers b SET probe_at = :claimedUntil FROM due WHERE due.probe AND b.client_id = due.client_id
), given_back AS (
  UPDATE logout_delivery_buckets b SET leased_until = :now WHERE b.bucket = ANY (ARRAY(SELECT unnest(:buckets))) AND b.leased_by = :node
)
-- By an array, too, so that the planner does not read the whole table for the join.
UPDATE logout_deliveries d SET next_attempt_at = :claimedUntil, claimed_until = :claimedUntil
  FROM due WHERE d.id = due.id AND d.id = ANY(ARRAY(SELECT x.id FROM due x)) AND d.state = 'pending' AND d.next_attempt_at <= :now
RETURNING d.id, d.termination_id, d.client_id, d.sub, d.sid, d.attempts, d.created_at, greatest(d.created_at, d.ages_from, d.resent_at) AS ages_from, due.probe, d.cause, d.traceparent;
