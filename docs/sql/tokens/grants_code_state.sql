-- grants_code_state, declared in src/domain/tokens/grant.repository.ts
-- parameters:
--   accountId uuid
--   grantId uuid
--   codeHash bytea
-- row:
--   client_id text
--   code_consumed_at timestamptz, may be null

SELECT g.client_id, g.code_consumed_at FROM grants g
 WHERE g.account_id = :accountId AND g.id = :grantId AND g.code_hash IS NOT DISTINCT FROM :codeHash;
