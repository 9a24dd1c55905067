-- clients_disable, declared in src/domain/clients/client.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   clientId text
--   now timestamptz
-- row:
--   client_id text

UPDATE clients SET disabled_at = :now, updated_at = :now, token_generation = token_generation + 1
 WHERE client_id = :clientId AND deleted_at IS NULL AND disabled_at IS NULL RETURNING client_id;
