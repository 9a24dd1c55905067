-- logout_orders_list, declared in src/domain/logout/orders/logout-order.repository.ts
-- parameters:
--   cursor uuid, may be null
--   id uuid, may be null
--   limit int
-- row:
--   id uuid
--   number bigint
--   target text
--   upstream_name text, may be null
--   reason text, may be null
--   notify_per_second int
--   operator text
--   ordered_by text
--   cause text
--   ordered_at timestamptz
--   state text
--   phase text
--   cursor text, may be null
--   total int, may be null
--   counted int
--   done int
--   grants_revoked int
--   deliveries int
--   holds boolean
--   last_notice_at timestamptz, may be null
--   finished_at timestamptz, may be null

SELECT o.id, o.number, o.target, o.upstream_name, o.reason, o.notify_per_second, o.operator, o.ordered_by, o.cause, o.ordered_at, o.state, o.phase, o.cursor, o.total, o.counted, o.done, o.grants_revoked, o.deliveries, o.holds, o.last_notice_at, o.finished_at FROM logout_orders o
 WHERE (:cursor IS NULL OR o.number < (SELECT c.number FROM logout_orders c WHERE c.id = :cursor)) AND (:id IS NULL OR o.id = :id)
 ORDER BY o.number DESC LIMIT :limit;
