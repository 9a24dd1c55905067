-- signing_keys_encrypt, declared in src/platform/keys/signing-key.repository.ts
-- parameters:
--   kid text
--   privateJwk text

UPDATE signing_keys SET private_jwk = :privateJwk WHERE kid = :kid;
