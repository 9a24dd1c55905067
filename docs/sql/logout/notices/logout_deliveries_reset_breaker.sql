-- logout_deliveries_reset_breaker, declared in src/domain/logout/notices/delivery-breaker.repository.ts
-- parameters:
--   clientId text

DELETE FROM logout_delivery_breakers WHERE client_id = :clientId;
