-- logout_orders_rows_of_upstream, declared in src/domain/logout/orders/large-targets.sql.ts
-- parameters:
--   targetId uuid
--   limit int
-- row:
--   rows int

SELECT greatest((SELECT count(*) FROM (SELECT u.account_id, u.session_id FROM session_upstreams u WHERE u.upstream_id = :targetId ORDER BY u.account_id, u.session_id LIMIT (SELECT :limit)) r), (SELECT count(*) FROM (SELECT g.* FROM grants g WHERE g.upstream_id = :targetId ORDER BY g.account_id, g.id LIMIT (SELECT :limit)) r))::int AS rows;
