-- logout_deliveries_count, declared in src/domain/logout/notices/delivery-ledger.repository.ts
-- parameters:
--   clientId text
--   limit int
-- row:
--   pending int
--   rejected int
--   abandoned int
--   oldest_pending_at timestamptz, may be null

SELECT (SELECT count(*)::int FROM (SELECT 1 FROM logout_deliveries x WHERE x.state = 'pending' AND x.client_id = :clientId LIMIT :limit) l) AS pending, (SELECT count(*)::int FROM (SELECT 1 FROM logout_deliveries x WHERE x.state = 'rejected' AND x.client_id = :clientId LIMIT :limit) l) AS rejected, (SELECT count(*)::int FROM (SELECT 1 FROM logout_deliveries x WHERE x.state = 'abandoned' AND x.client_id = :clientId LIMIT :limit) l) AS abandoned,
       (SELECT x.created_at FROM logout_deliveries x WHERE x.state = 'pending' AND x.client_id = :clientId ORDER BY x.termination_id, x.id LIMIT 1) AS oldest_pending_at;
