-- logout_orders_finish, declared in src/domain/logout/orders/logout-order-work.repository.ts
-- parameters:
--   id uuid
--   now timestamptz

UPDATE logout_orders SET state = 'done', finished_at = :now WHERE id = :id;
