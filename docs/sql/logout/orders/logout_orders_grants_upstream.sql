-- logout_orders_grants_upstream, declared in src/domain/logout/orders/order-batch.sql.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   number bigint
--   targetId uuid
--   cursor text, may be null
--   look int
--   limit int
--   now timestamptz
--   orderId uuid
--   terminationId uuid
--   initiator jsonb
--   cause text
-- row:
--   grants int
--   finished boolean

WITH
looked AS MATERIALIZED (
  SELECT x.account_id, x.id, x.account_id::text || '/' || x.id::text AS cursor, x.revoked_at IS NULL AND x.began_after_order < :number AND true AS due
    FROM grants x WHERE x.upstream_id = :targetId AND (x.account_id, x.id) > (split_part(coalesce(:cursor, '00000000-0000-0000-0000-000000000000/00000000-0000-0000-0000-000000000000'), '/', 1)::uuid, split_part(coalesce(:cursor, '00000000-0000-0000-0000-000000000000/00000000-0000-0000-0000-000000000000'), '/', 2)::uuid)
   ORDER BY x.account_id, x.id LIMIT (SELECT :look)
),
due AS MATERIALIZED (
  SELECT l.account_id, l.id, l.cursor FROM looked l WHERE l.due ORDER BY l.cursor COLLATE "C" LIMIT :limit
),
full_batch AS (SELECT count(*) = :limit AS yes FROM due),
revoked AS (
  UPDATE grants g SET revoked_at = :now, revoked_cause = :cause
   WHERE g.revoked_at IS NULL AND ((g.account_id, g.id) IN (SELECT account_id, id FROM due)) RETURNING g.account_id, g.id, g.session_id, g.client_id
),
record AS (
  INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, occurred_at)
  SELECT :terminationId, :cause, :initiator, CASE WHEN count(DISTINCT d.account_id) = 1 THEN min(d.account_id::text)::uuid END,
         0, count(*), 0, :now
    FROM revoked r JOIN due d ON d.id = r.id HAVING count(*) > 0
  RETURNING *
),
owed AS (
  INSERT INTO logout_receipts_owed (termination_id, since) SELECT r.id, r.occurred_at FROM record r
),
audited AS (
  INSERT INTO audit_events (id, at, event, outcome, details)
  SELECT x.id, x.at, 'session_termination', 'done', x.details FROM (SELECT r.id, r.occurred_at AS at,
       jsonb_build_object('termination_id', r.id, 'cause', r.cause, 'initiator', r.initiator ->> 'kind',
                          'sessions', r.sessions, 'grants_revoked', r.grants_revoked, 'deliveries', r.deliveries) AS details
  FROM record r) x
),
moved AS (
  UPDATE logout_orders SET next_step_at = :now, grants_revoked = grants_revoked + (SELECT count(*) FROM revoked),
         cursor = coalesce(CASE WHEN b.yes THEN (SELECT max(cursor COLLATE "C") FROM due) ELSE (SELECT max(cursor COLLATE "C") FROM looked) END, logout_orders.cursor)
    FROM full_batch b WHERE id = :orderId
)
SELECT (SELECT count(*)::int FROM revoked) AS grants, NOT b.yes AND ((SELECT count(*) FROM looked) < :look) AS finished FROM full_batch b;
