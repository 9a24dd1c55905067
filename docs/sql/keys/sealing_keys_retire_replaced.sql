-- sealing_keys_retire_replaced, declared in src/platform/keys/signing-key.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   now timestamptz
--   unpublishAt timestamptz
-- row:
--   kid text

UPDATE signing_keys k SET retired_at = :now, unpublish_at = :unpublishAt
 WHERE k.alg = 'A256GCM' AND k.retired_at IS NULL AND EXISTS (SELECT 1 FROM signing_keys n WHERE n.alg = k.alg AND n.retired_at IS NULL AND n.active_at <= :now
  AND (n.active_at, n.kid) > (k.active_at, k.kid)) RETURNING k.kid;
