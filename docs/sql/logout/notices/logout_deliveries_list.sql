-- logout_deliveries_list, declared in src/domain/logout/notices/delivery-ledger.repository.ts
-- parameters:
--   cursor uuid, may be null
--   cursorTermination uuid, may be null
--   state text, may be null
--   clientId text, may be null
--   terminationId uuid, may be null
--   errorCode text, may be null
--   createdAfter timestamptz, may be null
--   createdBefore timestamptz, may be null
--   limit int
-- row:
--   id uuid
--   termination_id uuid
--   client_id text
--   sub text
--   sid text, may be null
--   state text
--   attempts int
--   next_attempt_at timestamptz, may be null
--   created_at timestamptz
--   finished_at timestamptz, may be null
--   resent_at timestamptz, may be null
--   last_error text, may be null

SELECT d.id, d.termination_id, d.client_id, d.sub, d.sid, d.state, d.attempts, d.next_attempt_at, d.created_at, d.finished_at,
       d.resent_at, d.last_error FROM ((SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'pending') AND (:state IS NULL OR :state = 'pending') AND (termination_id, id) < (coalesce(:cursorTermination, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid), coalesce(:cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
   AND (:clientId IS NULL OR client_id = :clientId) AND (:terminationId IS NULL OR termination_id = :terminationId)
   AND (:createdAfter IS NULL OR (created_at >= :createdAfter AND termination_id >= (lpad(to_hex((extract(epoch FROM (:createdAfter - interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
   AND (:createdBefore IS NULL OR (created_at < :createdBefore AND termination_id < (lpad(to_hex((extract(epoch FROM (:createdBefore + interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
     AND (:errorCode IS NULL OR last_error = :errorCode) AND true ORDER BY termination_id DESC, id DESC LIMIT (SELECT :limit))
   UNION ALL (SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'rejected') AND (:state IS NULL OR :state = 'rejected') AND (termination_id, id) < (coalesce(:cursorTermination, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid), coalesce(:cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
   AND (:clientId IS NULL OR client_id = :clientId) AND (:terminationId IS NULL OR termination_id = :terminationId)
   AND (:createdAfter IS NULL OR (created_at >= :createdAfter AND termination_id >= (lpad(to_hex((extract(epoch FROM (:createdAfter - interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
   AND (:createdBefore IS NULL OR (created_at < :createdBefore AND termination_id < (lpad(to_hex((extract(epoch FROM (:createdBefore + interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
     AND (:errorCode IS NULL OR last_error = :errorCode) AND true ORDER BY termination_id DESC, id DESC LIMIT (SELECT :limit))
   UNION ALL (SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, state, next_attempt_at, last_error, NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status FROM logout_deliveries x WHERE x.state = (SELECT 'abandoned') AND (:state IS NULL OR :state = 'abandoned') AND (termination_id, id) < (coalesce(:cursorTermination, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid), coalesce(:cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
   AND (:clientId IS NULL OR client_id = :clientId) AND (:terminationId IS NULL OR termination_id = :terminationId)
   AND (:createdAfter IS NULL OR (created_at >= :createdAfter AND termination_id >= (lpad(to_hex((extract(epoch FROM (:createdAfter - interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
   AND (:createdBefore IS NULL OR (created_at < :createdBefore AND termination_id < (lpad(to_hex((extract(epoch FROM (:createdBefore + interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
     AND (:errorCode IS NULL OR last_error = :errorCode) AND true ORDER BY termination_id DESC, id DESC LIMIT (SELECT :limit))
   UNION ALL (SELECT id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at, 'delivered' AS state, NULL::timestamptz AS next_attempt_at, NULL::text AS last_error, jti, started_at, duration_ms, status
   FROM logout_delivered WHERE (:state IS NULL OR :state = 'delivered') AND (termination_id, id) < (coalesce(:cursorTermination, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid), coalesce(:cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
   AND (:clientId IS NULL OR client_id = :clientId) AND (:terminationId IS NULL OR termination_id = :terminationId)
   AND (:createdAfter IS NULL OR (created_at >= :createdAfter AND termination_id >= (lpad(to_hex((extract(epoch FROM (:createdAfter - interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid))
   AND (:createdBefore IS NULL OR (created_at < :createdBefore AND termination_id < (lpad(to_hex((extract(epoch FROM (:createdBefore + interval '1 hour')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid)) AND :errorCode IS NULL ORDER BY termination_id DESC, id DESC LIMIT (SELECT :limit))) d
 ORDER BY d.termination_id DESC, d.id DESC LIMIT :limit;
