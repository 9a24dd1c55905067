-- accounts_set_password_hash, declared in src/domain/accounts/account.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   id uuid
--   passwordHash text
--   now timestamptz

UPDATE accounts SET password_hash = :passwordHash, password_changed_at = :now, updated_at = :now WHERE id = :id;
