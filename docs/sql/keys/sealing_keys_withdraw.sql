-- sealing_keys_withdraw, declared in src/platform/keys/signing-key.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   now timestamptz

UPDATE signing_keys SET retired_at = :now, unpublish_at = :now WHERE alg = 'A256GCM' AND private_jwk IS NOT NULL;
