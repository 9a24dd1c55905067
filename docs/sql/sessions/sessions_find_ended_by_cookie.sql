-- sessions_find_ended_by_cookie, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   cookieHash bytea
--   since timestamptz
-- row:
--   id uuid
--   termination_id uuid, may be null

SELECT s.id, s.termination_id FROM sessions s
 WHERE s.cookie_hash = :cookieHash AND coalesce(s.terminated_at, s.idle_expires_at) > :since;
