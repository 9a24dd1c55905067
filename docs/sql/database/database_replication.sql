-- database_replication, declared in src/platform/database/replication.ts
-- row:
--   standbys int
--   synchronous boolean
--   level text

SELECT (SELECT count(*) FROM pg_catalog.pg_stat_replication)::int AS standbys,
       current_setting('synchronous_standby_names') <> '' AS synchronous,
       current_setting('synchronous_commit') AS level;
