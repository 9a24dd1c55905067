-- accounts_update_claims, declared in src/domain/accounts/account.repository.ts
-- parameters:
--   id uuid
--   claims jsonb
--   now timestamptz

UPDATE accounts SET claims = :claims, claims_updated_at = :now, updated_at = :now
 WHERE id = :id AND claims IS DISTINCT FROM :claims;
