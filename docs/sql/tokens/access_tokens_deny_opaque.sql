-- access_tokens_deny_opaque, declared in src/domain/tokens/access-token.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   accountId uuid
--   tokenHash bytea
--   clientId text
--   now timestamptz

INSERT INTO revoked_access_tokens (account_id, jti, expires_at)
SELECT o.account_id, o.jti, o.expires_at FROM opaque_access_tokens o
 WHERE o.account_id = :accountId AND o.token_hash = :tokenHash AND o.client_id = :clientId AND o.expires_at > :now
ON CONFLICT (account_id, jti) DO NOTHING;
