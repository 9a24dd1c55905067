-- organizations_find, declared in src/domain/upstreams/organization.repository.ts
-- parameters:
--   id text
-- row:
--   id text
--   name text
--   upstream_id uuid, may be null
--   is_default boolean

SELECT id, name, upstream_id, is_default FROM organizations WHERE id = :id;
