-- grants_remove_expired_opaque_tokens, declared in src/domain/tokens/grant.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT account_id, token_hash FROM opaque_access_tokens WHERE expires_at < :before ORDER BY expires_at LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM opaque_access_tokens WHERE account_id = ANY (ARRAY(SELECT account_id FROM due)) AND (account_id, token_hash) IN (SELECT account_id, token_hash FROM due) RETURNING 1 AS removed;
