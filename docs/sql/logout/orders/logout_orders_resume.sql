-- logout_orders_resume, declared in src/domain/logout/orders/order-pace.sql.ts
-- parameters:
--   id uuid
--   now timestamptz
-- row:
--   id uuid

WITH fresh AS (
  UPDATE logout_order_applications p SET next_at = greatest(:now, w.last)
    FROM logout_order_applications x LEFT JOIN (
           SELECT d.client_id, max(d.next_attempt_at) AS last FROM logout_deliveries d
            WHERE d.order_id = :id AND d.state = 'pending' AND d.next_attempt_at < '9999-12-31T00:00:00Z'::timestamptz GROUP BY d.client_id
         ) w ON w.client_id = x.client_id
   WHERE x.order_id = :id AND p.order_id = x.order_id AND p.client_id = x.client_id
     AND EXISTS (SELECT 1 FROM logout_orders o WHERE o.id = :id AND o.state = 'paused')
  RETURNING p.next_at
)
UPDATE logout_orders SET state = CASE WHEN total IS NULL THEN 'queued' ELSE 'running' END, next_step_at = :now,
       last_notice_at = (SELECT max(next_at) FROM fresh)
 WHERE id = :id AND state = 'paused' RETURNING id;
