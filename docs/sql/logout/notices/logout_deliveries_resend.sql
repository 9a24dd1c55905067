-- logout_deliveries_resend, declared in src/domain/logout/notices/redelivery.repository.ts
-- parameters:
--   cursor uuid, may be null
--   cursorTermination uuid, may be null
--   state text, may be null
--   clientId text, may be null
--   terminationId uuid, may be null
--   errorCode text, may be null
--   createdAfter timestamptz, may be null
--   createdBefore timestamptz, may be null
--   ids uuid[], may be null
--   now timestamptz
--   limit int
-- row:
--   looked int
--   last uuid, may be null
--   last_termination uuid, may be null
--   resent json

WITH looked AS MATERIALIZED (
  SELECT d.id, d.termination_id FROM ((SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'pending') AND (:state IS NULL OR :state = 'pending') AND (termination_id, id) < (coalesce(:cursorTermination, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid), coalesce(:cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
   AND (:clientId IS NULL OR client_id = :clientId) AND (:terminationId IS NULL OR termination_id = :terminationId)
   AND (:createdAfter IS NULL OR (created_at >= :createdAfter AND termination_id >= (lpad(to_hex((extract(epoch FROM (:createdAfter - interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
   AND (:createdBefore IS NULL OR (created_at < :createdBefore AND termination_id < (lpad(to_hex((extract(epoch FROM (:createdBefore + interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
     AND (:errorCode IS NULL OR last_error = :errorCode) AND (:ids IS NULL OR id = ANY(:ids)) ORDER BY termination_id DESC, id DESC LIMIT (SELECT :limit))
   UNION ALL (SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'rejected') AND (:state IS NULL OR :state = 'rejected') AND (termination_id, id) < (coalesce(:cursorTermination, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid), coalesce(:cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
   AND (:clientId IS NULL OR client_id = :clientId) AND (:terminationId IS NULL OR termination_id = :terminationId)
   AND (:createdAfter IS NULL OR (created_at >= :createdAfter AND termination_id >= (lpad(to_hex((extract(epoch FROM (:createdAfter - interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
   AND (:createdBefore IS NULL OR (created_at < :createdBefore AND termination_id < (lpad(to_hex((extract(epoch FROM (:createdBefore + interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
     AND (:errorCode IS NULL OR last_error = :errorCode) AND (:ids IS NULL OR id = ANY(:ids)) ORDER BY termination_id DESC, id DESC LIMIT (SELECT :limit))
   UNION ALL (SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'abandoned') AND (:state IS NULL OR :state = 'abandoned') AND (termination_id, id) < (coalesce(:cursorTermination, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid), coalesce(:cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
   AND (:clientId IS NULL OR client_id = :clientId) AND (:terminationId IS NULL OR termination_id = :terminationId)
   AND (:createdAfter IS NULL OR (created_at >= :createdAfter AND termination_id >= (lpad(to_hex((extract(epoch FROM (:createdAfter - interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
   AND (:createdBefore IS NULL OR (created_at < :createdBefore AND termination_id < (lpad(to_hex((extract(epoch FROM (:createdBefore + interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
     AND (:errorCode IS NULL OR last_error = :errorCode) AND (:ids IS NULL OR id = ANY(:ids)) ORDER BY termination_id DESC, id DESC LIMIT (SELECT :limit))) d
   ORDER BY d.termination_id DESC, d.id DESC LIMIT :limit
), resent AS (
  UPDATE logout_deliveries d SET state = 'pending', next_attempt_at = :now, resent_at = :now, finished_at = NULL, claimed_until = NULL
   WHERE d.id = ANY(ARRAY(SELECT l.id FROM looked l)) AND (d.state IN ('rejected', 'abandoned') OR (d.state = 'pending' AND (d.claimed_until IS NULL OR d.claimed_until <= :now) AND (d.attempts > 0 OR d.next_attempt_at <= :now)))
     AND EXISTS (SELECT 1 FROM clients c WHERE c.client_id = d.client_id AND c.metadata ->> 'backchannel_logout_uri' IS NOT NULL)
  RETURNING d.client_id
), last AS (SELECT l.id, l.termination_id FROM looked l ORDER BY l.termination_id, l.id LIMIT 1)
SELECT (SELECT count(*)::int FROM looked) AS looked, (SELECT id FROM last) AS last, (SELECT termination_id FROM last) AS last_termination,
       (SELECT coalesce(json_agg(x), '[]') FROM (SELECT r.client_id, count(*)::int AS count FROM resent r GROUP BY r.client_id) x) AS resent;
