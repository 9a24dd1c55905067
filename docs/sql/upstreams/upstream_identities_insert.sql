-- upstream_identities_insert, declared in src/domain/upstreams/upstream-identity.repository.ts
-- parameters:
--   issuer text
--   sub text
--   accountId uuid
--   ownsClaims boolean
--   linkedAt timestamptz

INSERT INTO upstream_identities (issuer, sub, account_id, owns_claims, linked_at)
VALUES (:issuer, :sub, :accountId, :ownsClaims, :linkedAt);
