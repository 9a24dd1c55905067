-- before_routing_refresh_token, declared in src/domain/tokens/before-routing.ts
-- parameters:
--   tokenHash bytea
--   rootHash bytea
-- row:
--   account_id uuid
--   id uuid
--   refresh_root_hash bytea, may be null
--   consumed_at timestamptz, may be null
--   successor_salt bytea, may be null

WITH old AS (
  SELECT o.grant_id, o.expires_at, o.consumed_at, o.successor_salt FROM old_refresh_tokens o WHERE o.token_hash = :tokenHash
), adopted AS (
  UPDATE grants g SET refresh_root_hash = :rootHash, refresh_expires_at = old.expires_at FROM old
   WHERE g.id = old.grant_id AND old.consumed_at IS NULL AND g.refresh_root_hash IS NULL
)
SELECT g.account_id, g.id, g.refresh_root_hash, old.consumed_at, old.successor_salt FROM old JOIN grants g ON g.id = old.grant_id;
