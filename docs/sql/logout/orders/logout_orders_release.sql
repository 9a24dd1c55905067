-- logout_orders_release, declared in src/domain/logout/orders/order-pace.sql.ts
-- parameters:
--   now timestamptz
--   orderId uuid
--   limit int
--   seconds float8
-- row:
--   released int

WITH held AS MATERIALIZED (
  SELECT d.id, d.client_id FROM logout_deliveries d
   WHERE d.order_id = :orderId AND d.state = 'pending' AND d.next_attempt_at >= '9999-12-31T00:00:00Z'::timestamptz LIMIT :limit FOR UPDATE
),
pending AS MATERIALIZED (SELECT id, client_id, row_number() OVER (PARTITION BY client_id ORDER BY id) AS place FROM held),
room AS MATERIALIZED (SELECT client_id, count(*) AS many FROM pending GROUP BY client_id),
paced AS (
  UPDATE logout_order_applications p SET next_at = greatest(p.next_at, :now) + make_interval(secs => r.many * :seconds)
    FROM room r WHERE p.order_id = :orderId AND p.client_id = r.client_id RETURNING p.client_id, p.next_at, r.many
),
moved AS (
  UPDATE logout_deliveries d SET next_attempt_at = p.next_at - make_interval(secs => (p.many - o.place + 1) * :seconds), ages_from = p.next_at - make_interval(secs => (p.many - o.place + 1) * :seconds)
    FROM pending o JOIN paced p ON p.client_id = o.client_id WHERE d.id = o.id
),
noted AS (
  UPDATE logout_orders SET last_notice_at = greatest(last_notice_at, (SELECT max(next_at) FROM paced)) WHERE id = :orderId
)
SELECT count(*)::int AS released FROM pending;
