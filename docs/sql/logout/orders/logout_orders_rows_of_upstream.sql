-- logout_orders_rows_of_upstream, declared in src/domain/logout/orders/large-targets.sql.ts
-- parameters:
--   targetId uuid
--   limit int
-- row:
--   rows int

SELECT greatest((SELECT count(*) FROM (
SELECT 1 FROM session_upstreams u WHERE u.upstream_id = :targetId ORDER BY u.session_id LIMIT :limit) s), (SELECT count(*) FROM (
SELECT 1 FROM grants g WHERE g.upstream_id = :targetId ORDER BY g.account_id, g.id LIMIT :limit) v))::int AS rows;
