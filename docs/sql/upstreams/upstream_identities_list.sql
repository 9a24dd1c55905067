-- upstream_identities_list, declared in src/domain/upstreams/upstream-identity.repository.ts
-- parameters:
--   accountId uuid
-- row:
--   issuer text
--   sub text
--   account_id uuid
--   owns_claims boolean
--   linked_at timestamptz

SELECT issuer, sub, account_id, owns_claims, linked_at FROM upstream_identities WHERE account_id = :accountId ORDER BY linked_at;
