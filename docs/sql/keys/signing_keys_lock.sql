-- signing_keys_lock, declared in src/platform/keys/signing-key.repository.ts
-- parameters:
--   lock bigint
-- row:
--   pg_advisory_xact_lock void

SELECT pg_advisory_xact_lock(:lock);
