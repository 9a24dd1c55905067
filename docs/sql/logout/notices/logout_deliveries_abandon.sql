-- logout_deliveries_abandon, declared in src/domain/logout/notices/redelivery.repository.ts
-- parameters:
--   now timestamptz
--   clientId text
--   errorCode text
--   limit int
-- row:
--   termination_id uuid

WITH ended AS (
  UPDATE logout_deliveries d SET state = 'abandoned', finished_at = :now, last_error = :errorCode
   WHERE d.state = 'pending' AND d.id = ANY(ARRAY(
   SELECT p.id FROM (SELECT * FROM logout_deliveries x WHERE x.state = (SELECT 'pending') AND x.client_id = :clientId
                      ORDER BY x.termination_id, x.id LIMIT (SELECT :limit)) p
    WHERE true)) AND (d.claimed_until IS NULL OR d.claimed_until <= :now) AND (d.attempts > 0 OR d.next_attempt_at <= :now)
  RETURNING d.termination_id, d.resent_at
),
  reopened AS (
    INSERT INTO logout_receipts_owed AS o (termination_id, since)
    SELECT DISTINCT e.termination_id, :now FROM ended e WHERE e.resent_at IS NOT NULL ORDER BY e.termination_id
    ON CONFLICT (termination_id) DO UPDATE SET since = least(o.since, excluded.since)
  )
SELECT DISTINCT termination_id FROM ended;
