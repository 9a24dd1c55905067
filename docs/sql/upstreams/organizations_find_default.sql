-- organizations_find_default, declared in src/domain/upstreams/organization.repository.ts
-- row:
--   id text
--   name text
--   upstream_id uuid, may be null
--   is_default boolean

SELECT id, name, upstream_id, is_default FROM organizations WHERE is_default;
