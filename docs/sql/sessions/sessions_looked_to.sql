-- sessions_looked_to, declared in src/domain/sessions/session-list.ts
-- parameters:
--   cursor uuid, may be null
-- row:
--   id uuid

SELECT s.id FROM sessions s WHERE s.id < coalesce(:cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff') ORDER BY s.id DESC OFFSET 999 LIMIT 1;
