-- upstream_identities_hold_upstream, declared in src/domain/upstreams/upstream-identity.repository.ts
-- parameters:
--   upstreamId uuid
-- row:
--   found int

SELECT 1 AS found FROM upstreams WHERE id = :upstreamId FOR KEY SHARE;
