-- organizations_delete, declared in src/domain/upstreams/organization.repository.ts
-- parameters:
--   id text
-- row:
--   id text

DELETE FROM organizations WHERE id = :id RETURNING id;
