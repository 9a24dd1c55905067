-- sessions_looked_to_of_client, declared in src/domain/sessions/session-list.ts
-- parameters:
--   clientId text
--   cursor uuid, may be null
-- row:
--   id uuid

SELECT x.session_id AS id FROM session_clients x WHERE x.client_id = :clientId AND x.session_id < coalesce(:cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
 ORDER BY x.session_id DESC OFFSET 999 LIMIT 1;
