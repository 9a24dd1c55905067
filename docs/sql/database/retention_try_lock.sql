-- retention_try_lock, declared in src/platform/database/retention.ts
-- parameters:
--   lock bigint
-- row:
--   mine boolean

SELECT pg_try_advisory_xact_lock(:lock) AS mine;
