-- logout_orders_place, declared in src/domain/logout/orders/logout-order.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   id uuid
--   target text
--   upstreamName text, may be null
--   reason text, may be null
--   notifyPerSecond int
--   operator text
--   orderedBy text
--   cause text
--   idempotencyKey text, may be null
--   now timestamptz
-- row:
--   id uuid

INSERT INTO logout_orders (id, number, target, upstream_name, reason, notify_per_second, operator, ordered_by, cause, idempotency_key, ordered_at,
                           state, phase, next_step_at)
SELECT :id, coalesce(max(o.number), 0) + 1, :target, :upstreamName, :reason, :notifyPerSecond, :operator, :orderedBy, :cause, :idempotencyKey, :now,
       'queued', 'sessions', :now
  FROM logout_orders o
ON CONFLICT (operator, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
RETURNING id;
