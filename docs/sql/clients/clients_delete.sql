-- clients_delete, declared in src/domain/clients/client.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   clientId text
--   now timestamptz

UPDATE clients SET deleted_at = :now, secret_hash = NULL, registration_token_hash = NULL
 WHERE client_id = :clientId AND deleted_at IS NULL;
