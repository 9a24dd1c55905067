-- upstreams_delete, declared in src/domain/upstreams/upstream.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   id uuid

DELETE FROM upstreams WHERE id = :id;
