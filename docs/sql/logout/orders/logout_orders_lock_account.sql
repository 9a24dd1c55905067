-- logout_orders_lock_account, declared in src/domain/logout/orders/order-batch.sql.ts
-- parameters:
--   number bigint
--   targetId uuid
--   cursor text, may be null
--   limit int
-- row:
--   id uuid
--   cursor text

SELECT s.id, s.id::text AS cursor FROM sessions s
 WHERE s.account_id = :targetId AND s.began_after_order < :number AND s.terminated_at IS NULL AND (:cursor IS NULL OR s.id > :cursor::uuid)
 ORDER BY s.id LIMIT :limit FOR NO KEY UPDATE OF s;
