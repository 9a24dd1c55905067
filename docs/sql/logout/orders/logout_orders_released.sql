-- logout_orders_released, declared in src/domain/logout/orders/logout-order-work.repository.ts
-- parameters:
--   id uuid

UPDATE logout_orders SET holds = false WHERE id = :id;
