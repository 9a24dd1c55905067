-- logout_deliveries_record, declared in src/domain/logout/notices/delivery-record.sql.ts
-- parameters:
--   deliveryId uuid[]
--   clientId text[]
--   number int[]
--   jti text[]
--   startedAt timestamptz[]
--   durationMs int[]
--   status int[]
--   errorCode text[]
--   state text[]
--   nextAttemptAt timestamptz[]
--   health text[]
--   probe boolean[]
--   retryAfterMs int[]
--   now timestamptz
--   threshold int
--   jitter float8
-- row:
--   place int
--   changed boolean
--   open_until timestamptz, may be null

WITH r AS (
     SELECT x.* FROM unnest((SELECT :deliveryId), (SELECT :clientId), (SELECT :number), (SELECT :jti), (SELECT :startedAt), (SELECT :durationMs), (SELECT :status), (SELECT :errorCode), (SELECT :state), (SELECT :nextAttemptAt), (SELECT :health), (SELECT :probe), (SELECT :retryAfterMs))
       WITH ORDINALITY AS x(delivery_id, client_id, number, jti, started_at, duration_ms, status, error_code, state, next_attempt_at, health, probe, retry_after_ms, place)
      ORDER BY x.delivery_id
   ), accepted AS (
     DELETE FROM logout_deliveries d USING r WHERE d.id = r.delivery_id AND d.state = 'pending' AND r.state = 'delivered'
     RETURNING d.id, d.termination_id, d.client_id, d.account_id, d.sub, d.sid, d.created_at, d.resent_at,
               greatest(d.attempts + 1, r.number) AS attempts, r.jti, r.started_at, r.duration_ms, r.status
   ), delivered AS (
     INSERT INTO logout_delivered (id, termination_id, client_id, account_id, sub, sid, attempts, created_at, resent_at, finished_at,
                                   jti, started_at, duration_ms, status, random_id)
     SELECT a.id, a.termination_id, a.client_id, a.account_id, a.sub, a.sid, a.attempts, a.created_at, a.resent_at, :now,
            a.jti, a.started_at, a.duration_ms, a.status, left(a.id::text, 13) <> left(a.termination_id::text, 13)
       FROM accepted a
   ), updated AS (
     UPDATE logout_deliveries d
        SET state = r.state, attempts = greatest(d.attempts + 1, r.number), next_attempt_at = r.next_attempt_at, last_error = r.error_code,
            claimed_until = NULL, finished_at = CASE WHEN r.state = 'pending' THEN NULL ELSE :now END
       FROM r WHERE d.id = r.delivery_id AND d.state = 'pending' AND r.state <> 'delivered' AND (r.state <> 'pending' OR d.attempts < r.number)
     RETURNING d.id, d.attempts, d.termination_id, r.state, d.resent_at, r.jti, r.started_at, r.duration_ms, r.status, r.error_code
   ),
   ended AS (
     SELECT a.termination_id, a.resent_at FROM accepted a
      UNION ALL SELECT u.termination_id, u.resent_at FROM updated u WHERE u.state <> 'pending'
   ),
     reopened AS (
       INSERT INTO logout_receipts_owed AS o (termination_id, since)
       SELECT DISTINCT e.termination_id, :now FROM ended e WHERE e.resent_at IS NOT NULL ORDER BY e.termination_id
       ON CONFLICT (termination_id) DO UPDATE SET since = least(o.since, excluded.since)
     ),
   written AS (
     INSERT INTO logout_delivery_attempts (delivery_id, number, jti, started_at, duration_ms, status, error_code)
     SELECT u.id, u.attempts, u.jti, u.started_at, u.duration_ms, u.status, u.error_code FROM updated u
   ), outcomes AS (
     SELECT r.client_id, bool_or(r.health = 'alive') AS alive, count(*) FILTER (WHERE r.health = 'failing')::int AS failures,
            bool_or(r.probe) AS probe, max(r.retry_after_ms) AS retry_after_ms,
            max(r.error_code) FILTER (WHERE r.health = 'failing') AS error_code
       FROM r WHERE r.health IS NOT NULL AND EXISTS (SELECT 1 FROM clients c WHERE c.client_id = r.client_id) GROUP BY r.client_id
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
),
   changes AS (
     SELECT f.client_id, f.probe_at AS open_until FROM failing f WHERE f.opened_at IS NOT NULL
      UNION ALL SELECT c.client_id, NULL FROM closed c
   )
   SELECT r.place::int AS place, c.client_id IS NOT NULL AS changed, c.open_until FROM r LEFT JOIN changes c ON c.client_id = r.client_id;
