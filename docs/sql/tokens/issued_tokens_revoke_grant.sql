-- issued_tokens_revoke_grant, declared in src/domain/tokens/issued-token.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   accountId uuid
--   grantId uuid
--   now timestamptz
-- row:
--   id uuid

WITH locked AS MATERIALIZED (
  SELECT s.id FROM (SELECT * FROM sessions k WHERE k.account_id = :accountId AND k.id = (SELECT g.session_id FROM grants g WHERE g.account_id = :accountId AND g.id = :grantId) OFFSET 0) s
     FOR NO KEY UPDATE OF s
),
 revoked AS (
   UPDATE grants g SET revoked_at = :now, revoked_cause = 'token_revoked'
    WHERE g.revoked_at IS NULL AND (g.account_id = :accountId AND g.id = :grantId AND (SELECT count(*) FROM locked) >= 0) RETURNING g.account_id, g.id, g.session_id, g.client_id
 )
SELECT id FROM revoked;
