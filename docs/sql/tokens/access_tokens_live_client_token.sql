-- access_tokens_live_client_token, declared in src/domain/tokens/access-token.repository.ts
-- parameters:
--   clientId text
--   jti text
--   issuedAt timestamptz
--   generation int
-- row:
--   registered_scope text

SELECT c.metadata ->> 'scope' AS registered_scope FROM clients c
 WHERE c.client_id = :clientId AND c.deleted_at IS NULL AND c.disabled_at IS NULL AND (c.enabled_at IS NULL OR :issuedAt >= c.enabled_at)
AND c.metadata -> 'grant_types' ? 'client_credentials' AND :generation = c.token_generation
   AND NOT EXISTS (SELECT 1 FROM revoked_access_tokens x WHERE x.jti = :jti);
