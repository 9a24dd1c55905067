-- accounts_update, declared in src/domain/accounts/account.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   id uuid
--   login text
--   claims jsonb
--   claimsUpdatedAt timestamptz
--   roles text[]
--   disabledAt timestamptz, may be null
--   now timestamptz

UPDATE accounts SET login = :login, claims = :claims, claims_updated_at = :claimsUpdatedAt, roles = :roles,
                    disabled_at = :disabledAt, updated_at = :now
 WHERE id = :id;
