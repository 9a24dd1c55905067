-- accounts_delete, declared in src/domain/accounts/account.repository.ts
-- parameters:
--   id uuid

DELETE FROM accounts WHERE id = :id;
