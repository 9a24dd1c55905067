-- logout_deliveries_claim, declared in src/domain/logout/notices/delivery-queue.repository.ts
-- parameters:
--   now timestamptz
--   claimedUntil timestamptz
--   limit int
--   perClient int
--   underWayClients text[]
--   underWayCounts int[]
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

WITH RECURSIVE waiting AS (
  (SELECT d.client_id FROM logout_deliveries d WHERE d.state = 'pending' ORDER BY d.client_id LIMIT 1)
   UNION ALL
  SELECT (SELECT d.client_id FROM logout_deliveries d WHERE d.state = 'pending' AND d.client_id > w.client_id ORDER BY d.client_id LIMIT 1)
    FROM waiting w WHERE w.client_id IS NOT NULL
), applications AS MATERIALIZED (
  SELECT w.client_id, oldest.next_attempt_at
    FROM waiting w CROSS JOIN LATERAL (
      SELECT d.next_attempt_at FROM logout_deliveries d
       WHERE d.state = 'pending' AND d.client_id = w.client_id AND d.next_attempt_at <= :now ORDER BY d.next_attempt_at LIMIT 1
    ) oldest
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
    LEFT JOIN unnest(:underWayClients, :underWayCounts) u(client_id, n) ON u.client_id = a.client_id
), due AS MATERIALIZED (
  SELECT notice.id, s.client_id, s.probe
    FROM (SELECT * FROM shares WHERE share > 0 ORDER BY next_attempt_at) s
   CROSS JOIN LATERAL (
     SELECT d.id FROM logout_deliveries d
      WHERE d.state = 'pending' AND d.client_id = s.client_id AND d.next_attempt_at <= :now
      ORDER BY d.next_attempt_at LIMIT s.share FOR UPDATE SKIP LOCKED
   ) notice
   LIMIT :limit
), probing AS (
  UPDATE logout_delivery_breakers b SET probe_at = :claimedUntil FROM due WHERE due.probe AND b.client_id = due.client_id
)
-- By an array, too, so that the planner does not read the whole table for the join.
UPDATE logout_deliveries d SET next_attempt_at = :claimedUntil, claimed_until = :claimedUntil
  FROM due WHERE d.id = due.id AND d.id = ANY(ARRAY(SELECT x.id FROM due x))
RETURNING d.id, d.termination_id, d.client_id, d.sub, d.sid, d.attempts, d.created_at, greatest(d.created_at, d.ages_from, d.resent_at) AS ages_from, due.probe,
  (SELECT t.cause FROM session_terminations t WHERE t.id = d.termination_id) AS cause;
