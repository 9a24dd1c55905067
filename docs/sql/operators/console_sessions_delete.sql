-- console_sessions_delete, declared in src/domain/operators/console-session.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   id uuid

DELETE FROM console_sessions WHERE id = :id;
