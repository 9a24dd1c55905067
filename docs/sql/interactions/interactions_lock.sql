-- interactions_lock, declared in src/domain/interactions/interaction.repository.ts
-- parameters:
--   idHash bytea
-- row:
--   session_id uuid, may be null

SELECT session_id FROM interactions WHERE id_hash = :idHash FOR UPDATE;
