-- accounts_find, declared in src/domain/accounts/account.repository.ts
-- parameters:
--   id uuid
-- row:
--   id uuid
--   login text
--   password_hash text, may be null
--   claims jsonb
--   claims_updated_at timestamptz
--   roles text[]
--   not_before timestamptz, may be null
--   disabled_at timestamptz, may be null
--   password_changed_at timestamptz, may be null
--   created_at timestamptz
--   updated_at timestamptz

SELECT id, login, password_hash, claims, claims_updated_at, roles, not_before, disabled_at, password_changed_at, created_at, updated_at FROM accounts WHERE id = :id;
