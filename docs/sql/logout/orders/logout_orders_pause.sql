-- logout_orders_pause, declared in src/domain/logout/orders/logout-order.repository.ts
-- parameters:
--   id uuid
--   now timestamptz
-- row:
--   id uuid

UPDATE logout_orders SET state = 'paused', holds = true, next_step_at = :now
 WHERE id = :id AND state IN ('queued', 'running') RETURNING id;
