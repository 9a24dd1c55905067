-- signing_keys_insert, declared in src/platform/keys/signing-key.repository.ts
-- parameters:
--   kid text
--   alg text
--   publicJwk jsonb, may be null
--   privateJwk text
--   createdAt timestamptz
--   activeAt timestamptz

INSERT INTO signing_keys (kid, alg, public_jwk, private_jwk, created_at, active_at)
VALUES (:kid, :alg, :publicJwk, :privateJwk, :createdAt, :activeAt);
