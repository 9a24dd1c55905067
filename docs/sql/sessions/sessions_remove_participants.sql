-- sessions_remove_participants, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS MATERIALIZED (
  SELECT d.account_id, d.session_id, d.client_id FROM (SELECT r.client_id FROM clients r WHERE r.deleted_at < :before ORDER BY r.deleted_at LIMIT 100) o
   CROSS JOIN LATERAL (
     SELECT sc.account_id, sc.session_id, sc.client_id
       FROM session_clients sc JOIN sessions s ON s.account_id = sc.account_id AND s.id = sc.session_id
      WHERE sc.client_id = o.client_id LIMIT 1000 FOR NO KEY UPDATE OF s SKIP LOCKED
   ) d LIMIT 1000
),
 departed AS (
   DELETE FROM session_clients sc USING due x
    WHERE true AND sc.account_id = x.account_id AND sc.session_id = x.session_id AND sc.client_id = x.client_id
      AND true
   RETURNING sc.account_id, sc.session_id
 ),
 departed_counted AS (
   UPDATE sessions s SET client_count = s.client_count - d.clients
     FROM (SELECT account_id, session_id, count(*)::int AS clients FROM departed GROUP BY account_id, session_id) d
    WHERE true AND s.account_id = d.account_id AND s.id = d.session_id
 )
SELECT 1 AS removed FROM departed;
