-- grants_revoke_by_token, declared in src/domain/tokens/refresh-token.repository.ts
-- parameters:
--   tokenHash bytea
--   clientId text
--   now timestamptz
-- row:
--   id uuid

WITH
 revoked AS (
   UPDATE grants g SET revoked_at = :now, revoked_cause = 'token_revoked'
    WHERE g.revoked_at IS NULL AND (g.client_id = :clientId AND g.id = (SELECT r.grant_id FROM refresh_tokens r WHERE r.token_hash = :tokenHash)) RETURNING g.id, g.session_id
 ), denied AS (
  INSERT INTO revoked_access_tokens (jti, expires_at)
  SELECT o.jti, o.expires_at FROM opaque_access_tokens o
   WHERE o.token_hash = :tokenHash AND o.client_id = :clientId AND o.expires_at > :now
  ON CONFLICT (jti) DO NOTHING
)
SELECT id FROM revoked;
