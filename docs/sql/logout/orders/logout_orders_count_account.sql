-- logout_orders_count_account, declared in src/domain/logout/orders/order-batch.sql.ts
-- parameters:
--   number bigint
--   targetId uuid
-- row:
--   total int

SELECT count(*)::int AS total FROM sessions s WHERE s.account_id = :targetId AND s.began_after_order < :number AND s.terminated_at IS NULL;
