-- database_time, declared in src/platform/database/database-time.ts
-- row:
--   ms float8

SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms;
