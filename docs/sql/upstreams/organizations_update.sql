-- organizations_update, declared in src/domain/upstreams/organization.repository.ts
-- parameters:
--   id text
--   name text
--   upstreamId uuid, may be null
--   isDefault boolean

UPDATE organizations SET name = :name, upstream_id = :upstreamId, is_default = :isDefault WHERE id = :id;
