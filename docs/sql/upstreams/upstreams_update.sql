-- upstreams_update, declared in src/domain/upstreams/upstream.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   id uuid
--   name text
--   issuer text
--   clientId text
--   clientSecret text, may be null
--   configuration jsonb
--   updatedAt timestamptz

UPDATE upstreams
   SET name = :name, issuer = :issuer, client_id = :clientId, client_secret = :clientSecret,
       configuration = :configuration, updated_at = :updatedAt,
       metadata = CASE WHEN issuer = :issuer THEN metadata END,
       metadata_at = CASE WHEN issuer = :issuer THEN metadata_at END
 WHERE id = :id;
