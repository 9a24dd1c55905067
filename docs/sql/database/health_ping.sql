-- health_ping, declared in src/platform/database/readiness.ts
-- row:
--   standby boolean

SELECT pg_catalog.pg_is_in_recovery() AS standby;
