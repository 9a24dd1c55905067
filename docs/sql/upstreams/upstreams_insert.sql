-- upstreams_insert, declared in src/domain/upstreams/upstream.repository.ts
-- parameters:
--   id uuid
--   name text
--   issuer text
--   clientId text
--   clientSecret text, may be null
--   configuration jsonb
--   createdAt timestamptz
--   updatedAt timestamptz

INSERT INTO upstreams (id, name, issuer, client_id, client_secret, configuration, created_at, updated_at)
VALUES (:id, :name, :issuer, :clientId, :clientSecret, :configuration, :createdAt, :updatedAt);
