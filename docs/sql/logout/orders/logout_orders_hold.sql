-- logout_orders_hold, declared in src/domain/logout/orders/order-pace.sql.ts
-- parameters:
--   orderId uuid
--   limit int
--   now timestamptz
-- row:
--   id uuid

WITH due AS (
  SELECT d.id FROM logout_deliveries d WHERE d.order_id = :orderId AND d.state = 'pending' AND d.next_attempt_at < '9999-12-31T00:00:00Z'::timestamptz
     AND (d.claimed_until IS NULL OR d.claimed_until <= :now)
   LIMIT :limit FOR UPDATE SKIP LOCKED
)
UPDATE logout_deliveries d SET next_attempt_at = '9999-12-31T00:00:00Z'::timestamptz FROM due WHERE d.id = due.id RETURNING d.id;
