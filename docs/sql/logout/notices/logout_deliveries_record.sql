-- logout_deliveries_record, declared in src/domain/logout/notices/delivery-queue.repository.ts
-- parameters:
--   deliveryIds uuid[]
--   numbers int[]
--   jtis text[]
--   startedAts timestamptz[]
--   durations int[]
--   statuses int[]
--   errorCodes text[]
--   states text[]
--   nextAttemptAts timestamptz[]
--   healths text[]
--   probes boolean[]
--   retryAfters int[]
--   now timestamptz
--   threshold int
--   jitter float8
-- row:
--   client_id text
--   open_until timestamptz, may be null

WITH r AS (
     SELECT * FROM unnest(:deliveryIds, :numbers, :jtis, :startedAts, :durations, :statuses, :errorCodes, :states, :nextAttemptAts,
                          :healths, :probes, :retryAfters)
       AS r(delivery_id, number, jti, started_at, duration_ms, status, error_code, state, next_attempt_at, health, probe, retry_after_ms)
   ), updated AS (
     UPDATE logout_deliveries d
        SET state = r.state, attempts = greatest(d.attempts, r.number), next_attempt_at = r.next_attempt_at, last_error = r.error_code,
            claimed_until = NULL, finished_at = CASE WHEN r.state = 'pending' THEN NULL ELSE :now END
       FROM r WHERE d.id = r.delivery_id AND d.state = 'pending'
     RETURNING d.termination_id, r.state, d.resent_at
   ),
   ended AS (SELECT * FROM updated u WHERE u.state <> 'pending'),
     reopened AS (
       UPDATE session_terminations t SET receipted_at = NULL
        WHERE t.id IN (SELECT e.termination_id FROM ended e WHERE e.resent_at IS NOT NULL)
     ),
   written AS (
     INSERT INTO logout_delivery_attempts (delivery_id, number, jti, started_at, duration_ms, status, error_code)
     SELECT r.delivery_id, r.number, r.jti, r.started_at, r.duration_ms, r.status, r.error_code FROM r
       JOIN logout_deliveries d ON d.id = r.delivery_id
     ON CONFLICT (delivery_id, number) DO NOTHING
   ), outcomes AS (
     SELECT d.client_id, bool_or(r.health = 'alive') AS alive, count(*) FILTER (WHERE r.health = 'failing')::int AS failures,
            bool_or(r.probe) AS probe, max(r.retry_after_ms) AS retry_after_ms,
            max(r.error_code) FILTER (WHERE r.health = 'failing') AS error_code
       FROM r JOIN logout_deliveries d ON d.id = r.delivery_id WHERE r.health IS NOT NULL GROUP BY d.client_id
   ),
closed AS (
  DELETE FROM logout_delivery_breakers b USING outcomes h WHERE b.client_id = h.client_id AND h.alive RETURNING b.client_id
),
failing AS (
  INSERT INTO logout_delivery_breakers AS b (client_id, failures, failed_probes, opened_at, probe_at, last_error)
  SELECT h.client_id, h.failures, CASE WHEN h.probe THEN 1 ELSE 0 END, CASE WHEN h.failures >= :threshold THEN :now END,
         :now + greatest(make_interval(secs => least(5 * power(2, least(0, 10)), 60) * :jitter), make_interval(secs => coalesce(h.retry_after_ms, 0) / 1000.0)), h.error_code
    FROM outcomes h WHERE NOT h.alive AND h.failures > 0 ORDER BY h.client_id
  ON CONFLICT (client_id) DO UPDATE SET
    failures = b.failures + excluded.failures,
    failed_probes = CASE WHEN b.opened_at IS NULL THEN 0 ELSE b.failed_probes + excluded.failed_probes END,
    opened_at = coalesce(b.opened_at, CASE WHEN b.failures + excluded.failures >= :threshold THEN :now END),
    probe_at = CASE WHEN b.opened_at IS NOT NULL AND excluded.failed_probes = 0 THEN greatest(b.probe_at, excluded.probe_at)
                    ELSE greatest(excluded.probe_at, :now + make_interval(secs => least(5 * power(2, least(b.failed_probes + excluded.failed_probes, 10)), 60) * :jitter)) END,
    last_error = excluded.last_error
  RETURNING b.client_id, b.opened_at, b.probe_at
)
   SELECT client_id, probe_at AS open_until FROM failing WHERE opened_at IS NOT NULL
    UNION ALL SELECT client_id, NULL FROM closed;
