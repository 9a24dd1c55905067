-- clients_find_even_deleted, declared in src/domain/clients/client.repository.ts
-- parameters:
--   clientIds text[]
-- row:
--   client_id text
--   secret_hash bytea, may be null
--   registration_token_hash bytea, may be null
--   metadata jsonb
--   created_at timestamptz
--   updated_at timestamptz
--   deleted_at timestamptz, may be null
--   disabled_at timestamptz, may be null
--   enabled_at timestamptz, may be null
--   token_generation int
--   scope_since jsonb, may be null
--   first_used_at timestamptz, may be null
--   environment_secret_hash bytea, may be null

SELECT client_id, secret_hash, registration_token_hash, metadata, created_at, updated_at, deleted_at, disabled_at, enabled_at, token_generation, scope_since, first_used_at, environment_secret_hash FROM clients WHERE client_id = ANY (ARRAY(SELECT unnest(:clientIds)));
