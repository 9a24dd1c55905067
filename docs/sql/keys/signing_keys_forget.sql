-- signing_keys_forget, declared in src/platform/keys/signing-key.repository.ts
-- parameters:
--   kids text[]

UPDATE signing_keys SET private_jwk = NULL WHERE kid = ANY (ARRAY(SELECT unnest(:kids)));
