-- sessions_find_ended_by_cookie, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   accountId uuid
--   cookieHash bytea
--   since timestamptz
-- row:
--   account_id uuid
--   id uuid
--   termination_id uuid, may be null

SELECT s.account_id, s.id, s.termination_id FROM (SELECT * FROM sessions k WHERE k.account_id = :accountId AND k.cookie_hash = :cookieHash OFFSET 0) s
 WHERE coalesce(s.terminated_at, s.idle_expires_at) > :since;
