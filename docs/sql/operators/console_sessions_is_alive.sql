-- console_sessions_is_alive, declared in src/domain/operators/console-session.repository.ts
-- parameters:
--   id uuid
--   clientId text
--   now timestamptz
-- row:
--   found int

SELECT 1 AS found FROM console_sessions WHERE id = :id AND client_id = :clientId AND expires_at > :now;
