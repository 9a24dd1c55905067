-- interactions_insert, declared in src/domain/interactions/interaction.repository.ts
-- parameters:
--   interactionHash bytea
--   interactionBrowser bytea
--   interactionBegan timestamptz
--   interactionExpires timestamptz
--   clientId text, may be null
--   request jsonb, may be null
--   sessionId uuid, may be null

INSERT INTO interactions (id_hash, browser_hash, client_id, request, created_at, expires_at, session_id)
VALUES (:interactionHash, :interactionBrowser, :clientId, :request, :interactionBegan, :interactionExpires, :sessionId);
