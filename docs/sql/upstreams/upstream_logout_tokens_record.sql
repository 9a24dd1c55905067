-- upstream_logout_tokens_record, declared in src/domain/upstreams/upstream-logout-token.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   issuer text
--   jtiHash bytea
--   sub text, may be null
--   sid text, may be null
--   issuedAt bigint
--   expiresAt bigint
-- row:
--   issuer text

INSERT INTO upstream_logout_tokens (issuer, jti_hash, sub, sid, issued_at, expires_at)
VALUES (:issuer, :jtiHash, :sub, :sid, to_timestamp(:issuedAt), to_timestamp(:expiresAt))
ON CONFLICT DO NOTHING RETURNING issuer;
