-- client_assertions_use, declared in src/domain/clients/used-assertion.repository.ts
-- parameters:
--   clientId text
--   jtiHash bytea
--   expiresAt timestamptz
-- row:
--   client_id text

INSERT INTO used_client_assertions (client_id, jti_hash, expires_at) VALUES (:clientId, :jtiHash, :expiresAt)
ON CONFLICT DO NOTHING RETURNING client_id;
