-- logout_orders_count_upstream, declared in src/domain/logout/orders/order-batch.sql.ts
-- parameters:
--   number bigint
--   targetId uuid
-- row:
--   total int

SELECT count(*)::int AS total FROM sessions s WHERE s.id IN (SELECT u.session_id FROM session_upstreams u WHERE u.upstream_id = :targetId AND u.began_after_order < :number) AND s.terminated_at IS NULL;
