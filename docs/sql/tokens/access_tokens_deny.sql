-- access_tokens_deny, declared in src/domain/tokens/access-token.repository.ts
-- parameters:
--   jti text
--   expiresAt timestamptz
-- row:
--   jti text

INSERT INTO revoked_access_tokens (jti, expires_at) VALUES (:jti, :expiresAt)
ON CONFLICT (jti) DO NOTHING RETURNING jti;
