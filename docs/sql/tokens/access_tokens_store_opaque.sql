-- access_tokens_store_opaque, declared in src/domain/tokens/access-token.repository.ts
-- parameters:
--   tokenHash bytea
--   jti text
--   clientId text
--   scope text
--   audience text[]
--   now timestamptz
--   expiresAt timestamptz
--   generation int

INSERT INTO opaque_access_tokens (account_id, token_hash, jti, grant_id, client_id, scope, audience, issued_at, expires_at, token_generation)
VALUES ('00000000-0000-0000-0000-000000000000', :tokenHash, :jti, NULL, :clientId, :scope, :audience, :now, :expiresAt, :generation);
