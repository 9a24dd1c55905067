-- logout_deliveries_breaker, declared in src/domain/logout/notices/delivery-breaker.repository.ts
-- parameters:
--   clientId text
-- row:
--   failures int
--   failed_probes int
--   opened_at timestamptz, may be null
--   probe_at timestamptz
--   last_error text, may be null

SELECT failures, failed_probes, opened_at, probe_at, last_error FROM logout_delivery_breakers WHERE client_id = :clientId;
