-- console_sessions_delete, declared in src/domain/operators/console-session.repository.ts
-- parameters:
--   id uuid

DELETE FROM console_sessions WHERE id = :id;
