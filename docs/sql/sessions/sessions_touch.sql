-- sessions_touch, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   sessionIds uuid[]
--   now timestamptz
--   idleExpiresAt timestamptz

WITH seen AS (
  SELECT id FROM sessions WHERE id = ANY (:sessionIds) AND terminated_at IS NULL ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sessions s SET last_seen_at = :now, idle_expires_at = least(:idleExpiresAt, s.expires_at)
  FROM seen WHERE s.id = seen.id;
