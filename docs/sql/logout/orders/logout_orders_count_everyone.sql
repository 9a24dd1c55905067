-- logout_orders_count_everyone, declared in src/domain/logout/orders/order-batch.sql.ts
-- parameters:
--   number bigint
-- row:
--   total int

SELECT count(*)::int AS total FROM sessions s WHERE s.began_after_order < :number AND s.terminated_at IS NULL;
