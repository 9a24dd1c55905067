-- sessions_lock_account, declared in src/domain/sessions/session-sign-in.repository.ts
-- parameters:
--   accountId uuid
-- row:
--   id uuid

SELECT a.id FROM accounts a WHERE a.id = :accountId FOR NO KEY UPDATE OF a;
