-- clients_list, declared in src/domain/clients/client.repository.ts
-- parameters:
--   cursor text, may be null
--   search text, may be null
--   limit int
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

SELECT client_id, secret_hash, registration_token_hash, metadata, created_at, updated_at, deleted_at, disabled_at, enabled_at, token_generation, scope_since, first_used_at, environment_secret_hash FROM clients c
 WHERE c.deleted_at IS NULL
   AND (c.created_at, c.client_id) < (
     CASE WHEN :cursor IS NULL THEN 'infinity' ELSE (SELECT k.created_at FROM clients k WHERE k.client_id = :cursor) END, :cursor)
   AND (:search IS NULL OR starts_with(c.client_id, :search)
        OR position(lower(:search) IN lower(coalesce(c.metadata ->> 'client_name', ''))) > 0)
 ORDER BY c.created_at DESC, c.client_id DESC LIMIT :limit;
