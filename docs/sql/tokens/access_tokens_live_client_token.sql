-- access_tokens_live_client_token, declared in src/domain/tokens/access-token.repository.ts
-- parameters:
--   clientId text[]
--   jti text[]
--   issuedAt timestamptz[]
--   generation int[]
-- row:
--   place int
--   registered_scope text

SELECT asked.place::int AS place, live.registered_scope
  FROM unnest((SELECT :clientId), (SELECT :jti), (SELECT :issuedAt), (SELECT :generation)) WITH ORDINALITY asked(client_id, jti, issued_at, generation, place)
 CROSS JOIN LATERAL (
   SELECT c.metadata ->> 'scope' AS registered_scope FROM clients c
    WHERE c.client_id = asked.client_id AND c.deleted_at IS NULL AND c.disabled_at IS NULL AND (c.enabled_at IS NULL OR asked.issued_at >= c.enabled_at)
AND c.metadata -> 'grant_types' ? 'client_credentials' AND asked.generation = c.token_generation
      AND NOT EXISTS (SELECT 1 FROM revoked_access_tokens x WHERE x.account_id = '00000000-0000-0000-0000-000000000000' AND x.jti = asked.jti) OFFSET 0
 ) live;
