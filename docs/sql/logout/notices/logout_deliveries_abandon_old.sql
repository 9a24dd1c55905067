-- logout_deliveries_abandon_old, declared in src/domain/logout/notices/delivery-record.sql.ts
-- parameters:
--   clientId text
--   now timestamptz
--   createdBefore timestamptz
--   limit int
-- row:
--   termination_id uuid
--   ended int

WITH ended AS (
  UPDATE logout_deliveries d SET state = 'abandoned', finished_at = :now, last_error = coalesce(d.last_error, 'breaker_open')
   WHERE d.state = 'pending' AND d.id = ANY(ARRAY(
           SELECT d.id FROM logout_deliveries d
            WHERE d.state = (SELECT 'pending') AND d.client_id = :clientId AND d.termination_id < (lpad(to_hex((extract(epoch FROM (:createdBefore + interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
              AND d.next_attempt_at <= :now AND greatest(d.created_at, d.ages_from, d.resent_at) < :createdBefore
            ORDER BY d.termination_id, d.id LIMIT (SELECT :limit)))
  RETURNING d.termination_id, d.resent_at
),
  reopened AS (
    INSERT INTO logout_receipts_owed AS o (termination_id, since)
    SELECT DISTINCT e.termination_id, :now FROM ended e WHERE e.resent_at IS NOT NULL ORDER BY e.termination_id
    ON CONFLICT (termination_id) DO UPDATE SET since = least(o.since, excluded.since)
  )
SELECT DISTINCT termination_id, (SELECT count(*)::int FROM ended) AS ended FROM ended;
