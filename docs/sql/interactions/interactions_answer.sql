-- interactions_answer, declared in src/domain/interactions/interaction.repository.ts
-- parameters:
--   interactionHash bytea
--   interactionBrowser bytea
--   interactionBegan timestamptz
--   interactionExpires timestamptz
--   now timestamptz
-- row:
--   id_hash bytea

WITH one AS (SELECT 1),
 answered AS (
   INSERT INTO interactions (id_hash, browser_hash, created_at, expires_at, answered_at) SELECT :interactionHash, :interactionBrowser, :interactionBegan, :interactionExpires, :now FROM one
   ON CONFLICT (id_hash) DO UPDATE SET answered_at = excluded.answered_at WHERE interactions.answered_at IS NULL
   RETURNING id_hash
 )
SELECT id_hash FROM answered;
