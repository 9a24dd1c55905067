-- logout_orders_rows_of_client, declared in src/domain/logout/orders/large-targets.sql.ts
-- parameters:
--   targetId text
--   limit int
-- row:
--   rows int

SELECT greatest((SELECT count(*) FROM (
SELECT 1 FROM session_clients sc WHERE sc.client_id = :targetId ORDER BY sc.session_id LIMIT :limit) p), (SELECT count(*) FROM (
SELECT 1 FROM grants g WHERE g.client_id = :targetId ORDER BY g.account_id, g.id LIMIT :limit) c))::int AS rows;
