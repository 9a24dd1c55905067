-- sealing_keys_find_unused, declared in src/platform/keys/signing-key.repository.ts
-- parameters:
--   now timestamptz
-- row:
--   kid text

SELECT kid FROM signing_keys
 WHERE alg = 'A256GCM' AND private_jwk IS NOT NULL AND retired_at IS NOT NULL AND unpublish_at <= :now;
