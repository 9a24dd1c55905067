-- organizations_insert, declared in src/domain/upstreams/organization.repository.ts
-- parameters:
--   id text
--   name text
--   upstreamId uuid, may be null
--   isDefault boolean
--   now timestamptz

INSERT INTO organizations (id, name, upstream_id, is_default, created_at)
VALUES (:id, :name, :upstreamId, :isDefault, :now);
