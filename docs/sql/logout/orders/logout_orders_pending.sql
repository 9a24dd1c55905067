-- logout_orders_pending, declared in src/domain/logout/orders/logout-order.repository.ts
-- parameters:
--   id uuid
-- row:
--   pending int

SELECT count(*)::int AS pending FROM logout_deliveries WHERE order_id = :id AND state = 'pending';
