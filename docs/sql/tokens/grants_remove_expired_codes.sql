-- grants_remove_expired_codes, declared in src/domain/tokens/grant.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT code_hash FROM authorization_codes WHERE expires_at < :before ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED
)
DELETE FROM authorization_codes WHERE (code_hash) IN (SELECT code_hash FROM due) RETURNING 1 AS removed;
