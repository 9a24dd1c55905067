-- logout_orders_rows_of_account, declared in src/domain/logout/orders/large-targets.sql.ts
-- parameters:
--   targetId uuid
--   limit int
-- row:
--   rows int

SELECT greatest((SELECT coalesce(sum(greatest(l.client_count, 1)), 0) FROM (
SELECT s.client_count FROM sessions s WHERE s.account_id = :targetId AND s.terminated_at IS NULL
 ORDER BY s.account_id, s.id LIMIT (SELECT :limit)) l),
      (SELECT count(*) / 10 FROM (SELECT g.* FROM grants g WHERE g.account_id = :targetId ORDER BY g.account_id, g.id LIMIT (SELECT :limit * 10)) r))::int AS rows;
