-- logout_orders_lock_client, declared in src/domain/logout/orders/order-batch.sql.ts
-- parameters:
--   number bigint
--   targetId text
--   cursor text, may be null
--   limit int
-- row:
--   id uuid
--   cursor text

SELECT s.id, sc.sid::text AS cursor FROM session_clients sc JOIN sessions s ON s.id = sc.session_id
 WHERE sc.client_id = :targetId AND sc.began_after_order < :number AND s.terminated_at IS NULL AND (:cursor IS NULL OR sc.sid > :cursor::text)
 ORDER BY sc.sid LIMIT :limit FOR NO KEY UPDATE OF s;
