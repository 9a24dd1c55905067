-- issued_tokens_is_denied, declared in src/domain/tokens/issued-token.repository.ts
-- parameters:
--   jti text
-- row:
--   denied boolean

SELECT EXISTS (SELECT 1 FROM revoked_access_tokens x WHERE x.jti = :jti) AS denied;
