-- accounts_list, declared in src/domain/accounts/account.repository.ts
-- parameters:
--   cursor uuid, may be null
--   search text, may be null
--   limit int
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

SELECT id, login, password_hash, claims, claims_updated_at, roles, not_before, disabled_at, password_changed_at, created_at, updated_at FROM accounts a
 WHERE a.id < coalesce(:cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
   AND (:search IS NULL OR starts_with(a.login, :search) OR starts_with(lower(a.claims ->> 'email'), lower(:search)))
 ORDER BY a.id DESC LIMIT :limit;
