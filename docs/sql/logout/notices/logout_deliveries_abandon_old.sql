-- logout_deliveries_abandon_old, declared in src/domain/logout/notices/delivery-record.sql.ts
-- parameters:
--   clientIds text[]
--   now timestamptz
--   createdBefore timestamptz
-- row:
--   termination_id uuid

WITH ended AS (
  UPDATE logout_deliveries d SET state = 'abandoned', finished_at = :now, last_error = coalesce(d.last_error, 'breaker_open')
   WHERE d.state = 'pending' AND d.client_id = ANY(:clientIds) AND d.next_attempt_at <= :now
     AND greatest(d.created_at, d.ages_from, d.resent_at) < :createdBefore
  RETURNING d.termination_id, d.resent_at
),
  reopened AS (
    INSERT INTO logout_receipts_owed AS o (termination_id, since)
    SELECT DISTINCT e.termination_id, :now FROM ended e WHERE e.resent_at IS NOT NULL ORDER BY e.termination_id
    ON CONFLICT (termination_id) DO UPDATE SET since = least(o.since, excluded.since)
  )
SELECT DISTINCT termination_id FROM ended;
