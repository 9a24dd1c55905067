-- grants_remove_expired_denials, declared in src/domain/tokens/grant.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT account_id, jti FROM revoked_access_tokens WHERE expires_at < :before ORDER BY expires_at LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM revoked_access_tokens WHERE account_id = ANY (ARRAY(SELECT account_id FROM due)) AND (account_id, jti) IN (SELECT account_id, jti FROM due) RETURNING 1 AS removed;
