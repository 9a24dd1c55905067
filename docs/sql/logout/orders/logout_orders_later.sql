-- logout_orders_later, declared in src/domain/logout/orders/logout-order-work.repository.ts
-- parameters:
--   id uuid
--   at timestamptz

UPDATE logout_orders SET next_step_at = :at WHERE id = :id;
