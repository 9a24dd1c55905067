-- clients_remove_deleted, declared in src/domain/lifecycle/client-removal.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT c.client_id FROM (SELECT r.client_id FROM clients r WHERE r.deleted_at < :before ORDER BY r.deleted_at LIMIT 100) o JOIN clients c ON c.client_id = o.client_id
   WHERE NOT EXISTS (SELECT 1 FROM session_clients sc WHERE sc.client_id = c.client_id) AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.client_id = c.client_id) AND NOT EXISTS (SELECT 1 FROM consents k WHERE k.client_id = c.client_id) AND NOT (EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.state = 'pending' AND d.client_id = c.client_id) OR EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.state = 'rejected' AND d.client_id = c.client_id) OR EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.state = 'abandoned' AND d.client_id = c.client_id)) FOR UPDATE OF c SKIP LOCKED
)
DELETE FROM clients WHERE client_id IN (SELECT client_id FROM due) RETURNING 1 AS removed;
