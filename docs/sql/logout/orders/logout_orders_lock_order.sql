-- logout_orders_lock_order, declared in src/domain/logout/orders/logout-order.repository.ts
-- parameters:
--   id uuid
-- row:
--   locked int

SELECT 1 AS locked FROM logout_orders WHERE id = :id FOR NO KEY UPDATE;
