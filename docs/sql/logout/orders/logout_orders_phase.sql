-- logout_orders_phase, declared in src/domain/logout/orders/logout-order-work.repository.ts
-- parameters:
--   id uuid
--   phase text
--   at timestamptz

UPDATE logout_orders SET phase = :phase, cursor = NULL, state = 'running', next_step_at = :at WHERE id = :id;
