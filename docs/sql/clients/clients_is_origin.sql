-- clients_is_origin, declared in src/domain/clients/client.repository.ts
-- parameters:
--   origin text
-- row:
--   found int

SELECT 1 AS found FROM clients
 WHERE client_origins(metadata) @> ARRAY[:origin] AND deleted_at IS NULL AND disabled_at IS NULL LIMIT 1;
