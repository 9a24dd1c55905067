-- grants_code_state, declared in src/domain/tokens/grant.repository.ts
-- parameters:
--   codeHash bytea
-- row:
--   grant_id uuid
--   client_id text
--   consumed_at timestamptz, may be null

SELECT c.grant_id, g.client_id, c.consumed_at
  FROM authorization_codes c CROSS JOIN LATERAL (SELECT * FROM grants k WHERE k.id = c.grant_id OFFSET 0) g
 WHERE c.code_hash = :codeHash;
