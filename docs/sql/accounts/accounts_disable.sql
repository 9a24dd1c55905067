-- accounts_disable, declared in src/domain/accounts/account.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   id uuid
--   now timestamptz

UPDATE accounts SET disabled_at = :now, updated_at = :now WHERE id = :id;
