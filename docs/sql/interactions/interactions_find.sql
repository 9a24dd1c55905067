-- interactions_find, declared in src/domain/interactions/interaction.repository.ts
-- parameters:
--   idHash bytea
--   browserHash bytea
-- row:
--   request jsonb, may be null
--   session_id uuid, may be null
--   answered_at timestamptz, may be null
--   expires_at timestamptz

SELECT request, session_id, answered_at, expires_at FROM interactions WHERE id_hash = :idHash AND browser_hash = :browserHash;
