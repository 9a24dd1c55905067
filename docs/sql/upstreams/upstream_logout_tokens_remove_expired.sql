-- upstream_logout_tokens_remove_expired, declared in src/domain/upstreams/upstream-logout-token.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT issuer, jti_hash FROM upstream_logout_tokens WHERE expires_at < :before ORDER BY expires_at LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM upstream_logout_tokens WHERE issuer = ANY (ARRAY(SELECT issuer FROM due)) AND (issuer, jti_hash) IN (SELECT issuer, jti_hash FROM due) RETURNING 1 AS removed;
