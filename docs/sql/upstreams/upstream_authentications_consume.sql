-- upstream_authentications_consume, declared in src/domain/upstreams/upstream-authentication.repository.ts
-- parameters:
--   stateHash bytea
--   upstreamId uuid
--   browserHash bytea
--   now timestamptz
-- row:
--   purpose text
--   max_age int, may be null
--   expires_at timestamptz
--   in_time boolean

DELETE FROM upstream_authentications
 WHERE state_hash = :stateHash AND upstream_id = :upstreamId AND browser_hash = :browserHash
RETURNING purpose, max_age, expires_at, expires_at > :now AS in_time;
