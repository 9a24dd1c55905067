-- before_routing_is_denied, declared in src/domain/tokens/before-routing.ts
-- parameters:
--   jti text
-- row:
--   denied boolean

SELECT EXISTS (SELECT 1 FROM revoked_access_tokens x WHERE x.account_id = '00000000-0000-0000-0000-000000000000' AND x.jti = :jti) AS denied;
