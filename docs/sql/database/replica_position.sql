-- replica_position, declared in src/platform/database/replica.ts
-- row:
--   position text

SELECT pg_catalog.pg_current_wal_insert_lsn()::text AS position;
