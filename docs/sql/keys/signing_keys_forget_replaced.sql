-- signing_keys_forget_replaced, declared in src/platform/keys/signing-key.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   before timestamptz

UPDATE signing_keys SET private_jwk = NULL
 WHERE alg NOT IN ('A256GCM', 'HS256') AND private_jwk IS NOT NULL AND retired_at <= :before;
