-- logout_deliveries_probe_now, declared in src/domain/logout/notices/delivery-breaker.repository.ts
-- parameters:
--   clientIds text[]
--   now timestamptz

UPDATE logout_delivery_breakers SET probe_at = :now, failed_probes = 0
 WHERE client_id = ANY (ARRAY(SELECT unnest(:clientIds))) AND opened_at IS NOT NULL;
