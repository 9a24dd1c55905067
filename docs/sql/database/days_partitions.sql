-- days_partitions, declared in src/platform/database/day-partitions.ts
-- parameters:
--   table text
-- row:
--   name text
--   bounds text

SELECT c.relname::text AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = to_regclass(quote_ident(:table)) AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT';
