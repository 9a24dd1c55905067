-- clients_enable, declared in src/domain/clients/client.repository.ts
-- parameters:
--   clientId text
--   now timestamptz

UPDATE clients SET disabled_at = NULL, enabled_at = date_trunc('second', :now), updated_at = :now
 WHERE client_id = :clientId AND deleted_at IS NULL AND disabled_at IS NOT NULL;
