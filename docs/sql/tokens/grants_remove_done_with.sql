-- grants_remove_done_with, declared in src/domain/tokens/grant.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT id FROM grants WHERE (revoked_at < :before OR created_at < :before)
  AND NOT EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.grant_id = grants.id)
  AND NOT EXISTS (SELECT 1 FROM authorization_codes c WHERE c.grant_id = grants.id)
  AND NOT EXISTS (SELECT 1 FROM opaque_access_tokens o WHERE o.grant_id = grants.id) ORDER BY created_at LIMIT 1000 FOR UPDATE SKIP LOCKED
)
DELETE FROM grants WHERE (id) IN (SELECT id FROM due) RETURNING 1 AS removed;
