-- interactions_hold, declared in src/domain/interactions/interaction.repository.ts
-- parameters:
--   interactionHash bytea
--   interactionBrowser bytea
--   interactionBegan timestamptz
--   interactionExpires timestamptz
-- row:
--   session_id uuid, may be null
--   answered_at timestamptz, may be null

INSERT INTO interactions (id_hash, browser_hash, created_at, expires_at)
VALUES (:interactionHash, :interactionBrowser, :interactionBegan, :interactionExpires)
ON CONFLICT (id_hash) DO UPDATE SET browser_hash = interactions.browser_hash
RETURNING session_id, answered_at;
