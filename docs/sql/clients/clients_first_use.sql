-- clients_first_use, declared in src/domain/clients/client.repository.ts
-- parameters:
--   clientId text
--   now timestamptz

UPDATE clients SET first_used_at = :now WHERE client_id = :clientId AND first_used_at IS NULL;
