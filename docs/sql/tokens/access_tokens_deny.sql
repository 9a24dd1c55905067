-- access_tokens_deny, declared in src/domain/tokens/access-token.repository.ts
-- parameters:
--   jti text[]
--   expiresAt timestamptz[]
-- row:
--   place int

WITH asked AS (
  SELECT * FROM unnest(:jti, :expiresAt) WITH ORDINALITY asked(jti, expires_at, place)
), denied AS (
  INSERT INTO revoked_access_tokens (jti, expires_at) SELECT asked.jti, asked.expires_at FROM asked ORDER BY asked.jti
  ON CONFLICT (jti) DO NOTHING RETURNING jti
)
SELECT asked.place::int AS place FROM asked JOIN denied ON denied.jti = asked.jti;
