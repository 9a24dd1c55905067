-- accounts_disable, declared in src/domain/accounts/account.repository.ts
-- parameters:
--   id uuid
--   now timestamptz

UPDATE accounts SET disabled_at = :now, updated_at = :now WHERE id = :id;
