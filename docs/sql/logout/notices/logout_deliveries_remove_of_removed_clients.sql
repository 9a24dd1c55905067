-- logout_deliveries_remove_of_removed_clients, declared in src/domain/logout/notices/delivery-ledger.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT d.id FROM (SELECT r.client_id FROM clients r WHERE r.deleted_at < :before ORDER BY r.deleted_at LIMIT 100) o CROSS JOIN LATERAL (
    (SELECT x.id FROM logout_deliveries x WHERE x.state = 'pending' AND x.client_id = o.client_id LIMIT 1000) UNION ALL (SELECT x.id FROM logout_deliveries x WHERE x.state = 'rejected' AND x.client_id = o.client_id LIMIT 1000) UNION ALL (SELECT x.id FROM logout_deliveries x WHERE x.state = 'abandoned' AND x.client_id = o.client_id LIMIT 1000)) d LIMIT 1000
)
DELETE FROM logout_deliveries WHERE id IN (SELECT id FROM due) RETURNING 1 AS removed;
