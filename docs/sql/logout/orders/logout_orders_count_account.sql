-- logout_orders_count_account, declared in src/domain/logout/orders/order-batch.sql.ts
-- parameters:
--   number bigint
--   targetId uuid
--   cursor text, may be null
--   look int
-- row:
--   sessions int
--   cursor text, may be null
--   finished boolean

WITH
looked AS MATERIALIZED (
  SELECT x.account_id, x.id AS session_id, x.account_id::text || '/' || x.id::text AS cursor, x.began_after_order < :number AS due
    FROM sessions x WHERE x.account_id = :targetId AND x.terminated_at IS NULL AND (x.account_id, x.id) > (split_part(coalesce(:cursor, '00000000-0000-0000-0000-000000000000/00000000-0000-0000-0000-000000000000'), '/', 1)::uuid, split_part(coalesce(:cursor, '00000000-0000-0000-0000-000000000000/00000000-0000-0000-0000-000000000000'), '/', 2)::uuid)
   ORDER BY x.account_id, x.id LIMIT (SELECT :look)
)
SELECT (SELECT count(DISTINCT d.session_id)::int FROM (
  SELECT l.account_id, l.session_id, l.cursor FROM looked l JOIN sessions s ON s.account_id = l.account_id AND s.id = l.session_id
   WHERE l.due AND s.terminated_at IS NULL ORDER BY l.cursor COLLATE "C" ) d) AS sessions, (SELECT max(cursor COLLATE "C") FROM looked) AS cursor,
       ((SELECT count(*) FROM looked) < :look) AS finished;
