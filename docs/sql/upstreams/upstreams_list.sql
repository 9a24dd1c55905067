-- upstreams_list, declared in src/domain/upstreams/upstream.repository.ts
-- row:
--   id uuid
--   name text
--   issuer text
--   client_id text
--   client_secret text, may be null
--   configuration jsonb
--   created_at timestamptz
--   updated_at timestamptz

SELECT id, name, issuer, client_id, client_secret, configuration, created_at, updated_at FROM upstreams ORDER BY name;
