-- logout_orders_rows_of_client_offline, declared in src/domain/logout/orders/large-targets.sql.ts
-- parameters:
--   targetId text
--   limit int
-- row:
--   rows int

SELECT greatest((SELECT count(*) FROM (SELECT g.* FROM grants g WHERE g.client_id = :targetId ORDER BY g.account_id, g.id LIMIT (SELECT :limit)) r))::int AS rows;
