-- logout_deliveries_count, declared in src/domain/logout/notices/delivery-ledger.repository.ts
-- parameters:
--   clientId text
-- row:
--   pending int
--   rejected int
--   abandoned int
--   oldest_pending_at timestamptz, may be null

SELECT count(*) FILTER (WHERE d.state = 'pending')::int AS pending, count(*) FILTER (WHERE d.state = 'rejected')::int AS rejected,
       count(*) FILTER (WHERE d.state = 'abandoned')::int AS abandoned, min(d.created_at) FILTER (WHERE d.state = 'pending') AS oldest_pending_at
  FROM (SELECT p.state, p.created_at FROM logout_deliveries p WHERE p.state = 'pending' AND p.client_id = :clientId
         UNION ALL
        SELECT x.state, x.created_at FROM logout_deliveries x WHERE x.state IN ('rejected', 'abandoned') AND x.client_id = :clientId) d;
