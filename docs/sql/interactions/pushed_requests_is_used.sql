-- pushed_requests_is_used, declared in src/domain/interactions/pushed-request.repository.ts
-- parameters:
--   pushedHash bytea
-- row:
--   is_used boolean

SELECT NOT EXISTS (SELECT FROM pushed_requests WHERE id_hash = :pushedHash AND used_at IS NULL) AS is_used;
