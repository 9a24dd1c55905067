-- signing_keys_withdraw, declared in src/platform/keys/signing-key.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   now timestamptz

UPDATE signing_keys SET retired_at = :now, unpublish_at = :now, private_jwk = NULL
 WHERE alg NOT IN ('A256GCM', 'HS256') AND (retired_at IS NULL OR private_jwk IS NOT NULL);
