-- logout_orders_rows_of_client, declared in src/domain/logout/orders/large-targets.sql.ts
-- parameters:
--   targetId text
--   limit int
-- row:
--   rows int

SELECT greatest((SELECT count(*) FROM (SELECT sc.account_id, sc.session_id FROM session_clients sc WHERE sc.client_id = :targetId ORDER BY sc.session_id LIMIT (SELECT :limit)) r), (SELECT count(*) FROM (SELECT g.* FROM grants g WHERE g.client_id = :targetId ORDER BY g.account_id, g.id LIMIT (SELECT :limit)) r))::int AS rows;
