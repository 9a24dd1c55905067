-- upstream_identities_hold, declared in src/domain/upstreams/upstream-identity.repository.ts
-- parameters:
--   issuer text
--   sub text
-- row:
--   issuer text
--   sub text
--   account_id uuid
--   owns_claims boolean
--   linked_at timestamptz

SELECT issuer, sub, account_id, owns_claims, linked_at FROM upstream_identities WHERE issuer = :issuer AND sub = :sub FOR KEY SHARE;
