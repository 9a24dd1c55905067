-- interactions_answer, declared in src/domain/interactions/interaction.repository.ts
-- parameters:
--   idHash bytea
--   now timestamptz
-- row:
--   answered_at timestamptz, may be null

UPDATE interactions SET answered_at = :now WHERE id_hash = :idHash AND answered_at IS NULL RETURNING answered_at;
