-- pushed_requests_remove_expired, declared in src/domain/interactions/pushed-request.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT id_hash FROM pushed_requests WHERE expires_at < :before ORDER BY expires_at LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM pushed_requests WHERE id_hash = ANY (ARRAY(SELECT id_hash FROM due)) AND (id_hash) IN (SELECT id_hash FROM due) RETURNING 1 AS removed;
