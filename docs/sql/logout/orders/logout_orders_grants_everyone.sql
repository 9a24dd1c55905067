-- logout_orders_grants_everyone, declared in src/domain/logout/orders/order-batch.sql.ts
-- parameters:
--   number bigint
--   cursor uuid, may be null
--   limit int
--   now timestamptz
--   orderId uuid
--   terminationId uuid
--   initiator jsonb
-- row:
--   grants int

WITH due AS MATERIALIZED (
  SELECT g.id FROM grants g
   WHERE g.revoked_at IS NULL AND g.began_after_order < :number AND true AND (:cursor IS NULL OR g.id > :cursor)
   ORDER BY g.id LIMIT :limit FOR NO KEY UPDATE
),
revoked AS (
  UPDATE grants g SET revoked_at = :now, revoked_cause = 'logout_order'
   WHERE g.revoked_at IS NULL AND (g.id IN (SELECT id FROM due)) RETURNING g.id, g.session_id
),
record AS (
  INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, occurred_at)
  SELECT :terminationId, 'logout_order', :initiator, CASE WHEN count(DISTINCT g.account_id) = 1 THEN min(g.account_id::text)::uuid END,
         0, count(*), 0, :now
    FROM revoked r JOIN grants g ON g.id = r.id HAVING count(*) > 0
  RETURNING *
),
audited AS (
  INSERT INTO audit_events (id, at, event, outcome, details)
  SELECT x.id, x.at, 'session_termination', 'done', x.details FROM (SELECT r.id, r.occurred_at AS at,
       jsonb_build_object('termination_id', r.id, 'cause', r.cause, 'initiator', r.initiator ->> 'kind',
                          'sessions', r.sessions, 'grants_revoked', r.grants_revoked, 'deliveries', r.deliveries) AS details
  FROM record r) x
),
moved AS (
  UPDATE logout_orders SET cursor = (SELECT max(id::text) FROM due), next_step_at = :now,
         grants_revoked = grants_revoked + (SELECT count(*) FROM revoked)
   WHERE id = :orderId AND EXISTS (SELECT 1 FROM due)
)
SELECT count(*)::int AS grants FROM due;
