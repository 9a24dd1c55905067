-- interactions_insert, declared in src/domain/interactions/interaction.repository.ts
-- parameters:
--   idHash bytea
--   browserHash bytea
--   clientId text, may be null
--   request jsonb, may be null
--   now timestamptz
--   expiresAt timestamptz
--   sessionId uuid, may be null

INSERT INTO interactions (id_hash, browser_hash, client_id, request, created_at, expires_at, session_id)
VALUES (:idHash, :browserHash, :clientId, :request, :now, :expiresAt, :sessionId);
