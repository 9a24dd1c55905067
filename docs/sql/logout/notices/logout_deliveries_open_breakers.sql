-- logout_deliveries_open_breakers, declared in src/domain/logout/notices/delivery-breaker.repository.ts
-- row:
--   open int

SELECT count(*)::int AS open FROM logout_delivery_breakers WHERE opened_at IS NOT NULL;
