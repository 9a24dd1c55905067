-- logout_orders_counted, declared in src/domain/logout/orders/logout-order-work.repository.ts
-- parameters:
--   id uuid
--   total int

UPDATE logout_orders SET total = :total, state = 'running' WHERE id = :id;
