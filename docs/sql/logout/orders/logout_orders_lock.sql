-- logout_orders_lock, declared in src/domain/logout/orders/logout-order.repository.ts
-- parameters:
--   lock bigint
-- row:
--   pg_advisory_xact_lock void

SELECT pg_advisory_xact_lock(:lock);
