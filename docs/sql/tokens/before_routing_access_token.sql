-- before_routing_access_token, declared in src/domain/tokens/before-routing.ts
-- parameters:
--   tokenHash bytea
-- row:
--   account_id uuid

SELECT o.account_id FROM opaque_access_tokens o WHERE o.before_routing AND o.token_hash = :tokenHash;
