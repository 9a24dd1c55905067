-- grants_revoke_by_token, declared in src/domain/tokens/refresh-token.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   accountId uuid
--   grantId uuid
--   rootHash bytea, may be null
--   clientId text
--   now timestamptz
-- row:
--   id uuid

WITH
 revoked AS (
   UPDATE grants g SET revoked_at = :now, revoked_cause = 'token_revoked'
    WHERE g.revoked_at IS NULL AND (g.account_id = :accountId AND g.id = :grantId AND g.refresh_root_hash IS NOT DISTINCT FROM :rootHash AND g.client_id IS NOT DISTINCT FROM :clientId) RETURNING g.account_id, g.id, g.session_id, g.client_id
 )
SELECT id FROM revoked;
