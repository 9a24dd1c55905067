-- days_try_lock, declared in src/platform/database/day-partitions.ts
-- parameters:
--   lock bigint
-- row:
--   mine boolean

SELECT pg_try_advisory_xact_lock(:lock) AS mine;
