-- logout_orders_count_client, declared in src/domain/logout/orders/order-batch.sql.ts
-- parameters:
--   number bigint
--   targetId text
-- row:
--   total int

SELECT count(*)::int AS total FROM session_clients sc JOIN sessions s ON s.id = sc.session_id WHERE sc.client_id = :targetId AND sc.began_after_order < :number AND s.terminated_at IS NULL;
