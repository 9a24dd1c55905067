-- signing_keys_forget, declared in src/platform/keys/signing-key.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   kids text[]

UPDATE signing_keys SET private_jwk = NULL WHERE kid = ANY (ARRAY(SELECT unnest(:kids)));
