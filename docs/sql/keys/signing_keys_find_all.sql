-- signing_keys_find_all, declared in src/platform/keys/signing-key.repository.ts
-- row:
--   kid text
--   alg text
--   public_jwk jsonb, may be null
--   private_jwk text, may be null
--   created_at timestamptz
--   active_at timestamptz
--   retired_at timestamptz, may be null
--   unpublish_at timestamptz, may be null

SELECT kid, alg, public_jwk, private_jwk, created_at, active_at, retired_at, unpublish_at FROM signing_keys
 ORDER BY created_at DESC;
