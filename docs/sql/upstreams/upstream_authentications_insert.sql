-- upstream_authentications_insert, declared in src/domain/upstreams/upstream-authentication.repository.ts
-- parameters:
--   stateHash bytea
--   upstreamId uuid
--   browserHash bytea
--   purpose text
--   maxAge int, may be null
--   expiresAt timestamptz

INSERT INTO upstream_authentications (state_hash, upstream_id, browser_hash, purpose, max_age, expires_at)
VALUES (:stateHash, :upstreamId, :browserHash, :purpose, :maxAge, :expiresAt);
