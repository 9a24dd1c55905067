-- database_confirm, declared in src/platform/database/durability.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- row:
--   confirmed boolean

SELECT true AS confirmed;
