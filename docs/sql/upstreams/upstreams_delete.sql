-- upstreams_delete, declared in src/domain/upstreams/upstream.repository.ts
-- parameters:
--   id uuid

DELETE FROM upstreams WHERE id = :id;
