-- logout_orders_lock_upstream, declared in src/domain/logout/orders/order-batch.sql.ts
-- parameters:
--   number bigint
--   targetId uuid
--   cursor text, may be null
--   limit int
-- row:
--   id uuid
--   cursor text

SELECT s.id, s.id::text AS cursor FROM sessions s
 WHERE s.id IN (SELECT u.session_id FROM session_upstreams u WHERE u.upstream_id = :targetId AND u.began_after_order < :number) AND s.terminated_at IS NULL AND (:cursor IS NULL OR s.id > :cursor::uuid)
 ORDER BY s.id LIMIT :limit FOR NO KEY UPDATE OF s;
