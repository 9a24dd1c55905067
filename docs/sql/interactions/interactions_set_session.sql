-- interactions_set_session, declared in src/domain/interactions/interaction.repository.ts
-- parameters:
--   interactionHash bytea
--   interactionBrowser bytea
--   interactionBegan timestamptz
--   interactionExpires timestamptz
--   sessionId uuid

INSERT INTO interactions (id_hash, browser_hash, created_at, expires_at, session_id)
VALUES (:interactionHash, :interactionBrowser, :interactionBegan, :interactionExpires, :sessionId)
ON CONFLICT (id_hash) DO UPDATE SET session_id = excluded.session_id;
