-- logout_orders_lock_account, declared in src/domain/logout/orders/order-batch.sql.ts
-- parameters:
--   number bigint
--   targetId uuid
--   cursor text, may be null
--   look int
--   limit int
-- row:
--   account_ids uuid[]
--   session_ids uuid[]
--   cursor text, may be null
--   finished boolean

WITH
looked AS MATERIALIZED (
  SELECT x.account_id, x.id AS session_id, x.account_id::text || '/' || x.id::text AS cursor, x.began_after_order < :number AS due
    FROM sessions x WHERE x.account_id = :targetId AND x.terminated_at IS NULL AND (x.account_id, x.id) > (split_part(coalesce(:cursor, '00000000-0000-0000-0000-000000000000/00000000-0000-0000-0000-000000000000'), '/', 1)::uuid, split_part(coalesce(:cursor, '00000000-0000-0000-0000-000000000000/00000000-0000-0000-0000-000000000000'), '/', 2)::uuid)
   ORDER BY x.account_id, x.id LIMIT (SELECT :look)
),
due AS MATERIALIZED (
  SELECT l.account_id, l.session_id, l.cursor FROM looked l JOIN sessions s ON s.account_id = l.account_id AND s.id = l.session_id
   WHERE l.due AND s.terminated_at IS NULL ORDER BY l.cursor COLLATE "C" LIMIT :limit),
locked AS MATERIALIZED (
  SELECT s.account_id, s.id FROM sessions s
   WHERE (s.account_id, s.id) IN (SELECT account_id, session_id FROM due) AND s.terminated_at IS NULL
   ORDER BY s.account_id, s.id FOR NO KEY UPDATE OF s
),
full_batch AS (SELECT count(*) = :limit AS yes FROM due)
SELECT (SELECT coalesce(array_agg(account_id ORDER BY account_id, id), '{}') FROM locked) AS account_ids,
       (SELECT coalesce(array_agg(id ORDER BY account_id, id), '{}') FROM locked) AS session_ids,
       CASE WHEN b.yes THEN (SELECT max(cursor COLLATE "C") FROM due) ELSE (SELECT max(cursor COLLATE "C") FROM looked) END AS cursor,
       NOT b.yes AND ((SELECT count(*) FROM looked) < :look) AS finished
  FROM full_batch b;
