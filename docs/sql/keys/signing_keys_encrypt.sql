-- signing_keys_encrypt, declared in src/platform/keys/signing-key.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   kid text
--   privateJwk text

UPDATE signing_keys SET private_jwk = :privateJwk WHERE kid = :kid;
