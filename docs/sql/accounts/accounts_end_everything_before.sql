-- accounts_end_everything_before, declared in src/domain/accounts/account.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   id uuid
--   moment timestamptz
--   now timestamptz

UPDATE accounts SET not_before = :moment, updated_at = :now WHERE id = :id;
