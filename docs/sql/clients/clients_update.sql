-- clients_update, declared in src/domain/clients/client.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   clientId text
--   secretHash bytea, may be null
--   registrationTokenHash bytea, may be null
--   metadata jsonb
--   createdAt timestamptz
--   updatedAt timestamptz
--   deletedAt timestamptz, may be null
--   disabledAt timestamptz, may be null
--   enabledAt timestamptz, may be null
--   tokenGeneration int
--   scopeSince jsonb, may be null
--   firstUsedAt timestamptz, may be null
--   environmentSecretHash bytea, may be null

UPDATE clients
   SET secret_hash = :secretHash, registration_token_hash = :registrationTokenHash, metadata = :metadata,
       created_at = :createdAt, updated_at = :updatedAt, deleted_at = :deletedAt, disabled_at = :disabledAt,
       enabled_at = :enabledAt, token_generation = :tokenGeneration, scope_since = :scopeSince, first_used_at = :firstUsedAt,
       environment_secret_hash = :environmentSecretHash
 WHERE client_id = :clientId;
