-- pushed_requests_find, declared in src/domain/interactions/pushed-request.repository.ts
-- parameters:
--   pushedHash bytea
--   clientId text
--   now timestamptz
-- row:
--   parameters jsonb
--   used_at timestamptz, may be null

SELECT parameters, used_at FROM pushed_requests
 WHERE id_hash = :pushedHash AND client_id = :clientId AND expires_at > :now;
