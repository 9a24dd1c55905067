-- interactions_set_session, declared in src/domain/interactions/interaction.repository.ts
-- parameters:
--   idHash bytea
--   sessionId uuid

UPDATE interactions SET session_id = :sessionId WHERE id_hash = :idHash;
