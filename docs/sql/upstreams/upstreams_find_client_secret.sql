-- upstreams_find_client_secret, declared in src/domain/upstreams/upstream.repository.ts
-- parameters:
--   id uuid
-- row:
--   client_secret text, may be null

SELECT client_secret FROM upstreams WHERE id = :id;
