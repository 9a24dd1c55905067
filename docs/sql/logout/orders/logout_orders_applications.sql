-- logout_orders_applications, declared in src/domain/logout/orders/logout-order.repository.ts
-- parameters:
--   id uuid
-- row:
--   client_id text
--   deliveries int
--   next_at timestamptz

SELECT client_id, deliveries, next_at FROM logout_order_applications WHERE order_id = :id ORDER BY client_id;
