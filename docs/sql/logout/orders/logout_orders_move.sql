-- logout_orders_move, declared in src/domain/logout/orders/logout-order-work.repository.ts
-- parameters:
--   id uuid
--   cursor text, may be null
--   now timestamptz

UPDATE logout_orders SET state = 'running', cursor = :cursor, next_step_at = :now WHERE id = :id;
