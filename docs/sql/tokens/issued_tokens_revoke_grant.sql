-- issued_tokens_revoke_grant, declared in src/domain/tokens/issued-token.repository.ts
-- parameters:
--   grantId uuid
--   now timestamptz
-- row:
--   id uuid

WITH locked AS MATERIALIZED (
  SELECT s.id FROM sessions s WHERE s.id = (SELECT g.session_id FROM grants g WHERE g.id = :grantId) FOR NO KEY UPDATE OF s
),
 revoked AS (
   UPDATE grants g SET revoked_at = :now, revoked_cause = 'token_revoked'
    WHERE g.revoked_at IS NULL AND (g.id = :grantId AND (g.session_id IS NULL OR g.session_id IN (SELECT locked.id FROM locked))) RETURNING g.id, g.session_id
 )
SELECT id FROM revoked;
