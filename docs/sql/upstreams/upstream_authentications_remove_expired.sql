-- upstream_authentications_remove_expired, declared in src/domain/upstreams/upstream-authentication.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT state_hash FROM upstream_authentications WHERE expires_at < :before ORDER BY expires_at LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM upstream_authentications WHERE state_hash = ANY (ARRAY(SELECT state_hash FROM due)) AND (state_hash) IN (SELECT state_hash FROM due) RETURNING 1 AS removed;
