-- organizations_delete, declared in src/domain/upstreams/organization.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   id text
-- row:
--   id text

DELETE FROM organizations WHERE id = :id RETURNING id;
