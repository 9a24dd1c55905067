-- before_routing_remove_expired_refresh_tokens, declared in src/domain/tokens/before-routing.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT token_hash FROM old_refresh_tokens WHERE expires_at < :before ORDER BY expires_at LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM old_refresh_tokens WHERE token_hash = ANY (ARRAY(SELECT token_hash FROM due)) AND (token_hash) IN (SELECT token_hash FROM due) RETURNING 1 AS removed;
