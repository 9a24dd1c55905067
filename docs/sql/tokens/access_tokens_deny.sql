-- access_tokens_deny, declared in src/domain/tokens/access-token.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   accountId uuid[]
--   jti text[]
--   expiresAt timestamptz[]
-- row:
--   place int

WITH asked AS (
  SELECT * FROM unnest((SELECT :accountId), (SELECT :jti), (SELECT :expiresAt)) WITH ORDINALITY asked(account_id, jti, expires_at, place)
), denied AS (
  INSERT INTO revoked_access_tokens (account_id, jti, expires_at)
  SELECT asked.account_id, asked.jti, asked.expires_at FROM asked ORDER BY asked.account_id, asked.jti
  ON CONFLICT (account_id, jti) DO NOTHING RETURNING account_id, jti
)
SELECT asked.place::int AS place FROM asked JOIN denied ON denied.account_id = asked.account_id AND denied.jti = asked.jti;
