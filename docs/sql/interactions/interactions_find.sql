-- interactions_find, declared in src/domain/interactions/interaction.repository.ts
-- parameters:
--   idHash bytea
-- row:
--   browser_hash bytea
--   request jsonb, may be null
--   created_at timestamptz
--   expires_at timestamptz
--   session_id uuid, may be null
--   answered_at timestamptz, may be null

SELECT browser_hash, request, created_at, expires_at, session_id, answered_at FROM interactions WHERE id_hash = :idHash;
