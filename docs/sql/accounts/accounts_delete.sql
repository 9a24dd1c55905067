-- accounts_delete, declared in src/domain/accounts/account.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   id uuid

DELETE FROM accounts WHERE id = :id;
