-- logout_deliveries_attempts, declared in src/domain/logout/notices/delivery-ledger.repository.ts
-- parameters:
--   id uuid
-- row:
--   number int
--   jti text
--   started_at timestamptz
--   duration_ms int
--   status int, may be null
--   error_code text, may be null

SELECT number, jti, started_at, duration_ms, status, error_code FROM logout_delivery_attempts WHERE delivery_id = :id ORDER BY number;
