-- before_routing_code, declared in src/domain/tokens/before-routing.ts
-- parameters:
--   codeHash bytea
-- row:
--   account_id uuid
--   id uuid

SELECT g.account_id, g.id FROM grants g WHERE g.before_routing AND g.code_hash = :codeHash;
