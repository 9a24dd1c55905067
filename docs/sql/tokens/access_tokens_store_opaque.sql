-- access_tokens_store_opaque, declared in src/domain/tokens/access-token.repository.ts
-- parameters:
--   tokenHash bytea[]
--   jti text[]
--   clientId text[]
--   scope text[]
--   audience text[]
--   issuedAt timestamptz[]
--   expiresAt timestamptz[]
--   generation int[]
-- row:
--   place int

WITH asked AS (
  SELECT * FROM unnest((SELECT :tokenHash), (SELECT :jti), (SELECT :clientId), (SELECT :scope), (SELECT :audience), (SELECT :issuedAt), (SELECT :expiresAt), (SELECT :generation)) WITH ORDINALITY
      x(token_hash, jti, client_id, scope, audience, issued_at, expires_at, generation, place)
), stored AS (
  INSERT INTO opaque_access_tokens (account_id, token_hash, jti, grant_id, client_id, scope, audience, issued_at, expires_at, token_generation)
  SELECT '00000000-0000-0000-0000-000000000000', asked.token_hash, asked.jti, NULL, asked.client_id, asked.scope, ARRAY(SELECT jsonb_array_elements_text(asked.audience::jsonb)),
         asked.issued_at, asked.expires_at, asked.generation
    FROM asked RETURNING token_hash
)
SELECT asked.place::int AS place FROM asked JOIN stored ON stored.token_hash = asked.token_hash;
