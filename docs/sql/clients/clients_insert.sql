-- clients_insert, declared in src/domain/clients/client.repository.ts
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

INSERT INTO clients (client_id, secret_hash, registration_token_hash, metadata, created_at, updated_at, deleted_at,
                     disabled_at, enabled_at, token_generation, scope_since, first_used_at, environment_secret_hash)
VALUES (:clientId, :secretHash, :registrationTokenHash, :metadata, :createdAt, :updatedAt, :deletedAt,
        :disabledAt, :enabledAt, :tokenGeneration, :scopeSince, :firstUsedAt, :environmentSecretHash);
