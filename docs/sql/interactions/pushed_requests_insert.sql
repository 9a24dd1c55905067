-- pushed_requests_insert, declared in src/domain/interactions/pushed-request.repository.ts
-- parameters:
--   pushedHash bytea
--   clientId text
--   parameters jsonb
--   expiresAt timestamptz

INSERT INTO pushed_requests (id_hash, client_id, parameters, expires_at)
VALUES (:pushedHash, :clientId, :parameters, :expiresAt);
