-- upstream_identities_delete, declared in src/domain/upstreams/upstream-identity.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   issuer text
--   sub text
--   accountId uuid
-- row:
--   account_id uuid

DELETE FROM upstream_identities WHERE issuer = :issuer AND sub = :sub AND account_id = :accountId
RETURNING account_id;
