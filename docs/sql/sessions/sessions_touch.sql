-- sessions_touch, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   accountIds uuid[]
--   sessionIds uuid[]
--   now timestamptz
--   idleExpiresAt timestamptz

WITH seen AS (
  SELECT s.account_id, s.id FROM unnest(:accountIds, :sessionIds) AS x(account_id, id)
    JOIN sessions s ON s.account_id = x.account_id AND s.id = x.id
   WHERE s.terminated_at IS NULL ORDER BY s.account_id, s.id FOR NO KEY UPDATE OF s SKIP LOCKED
)
UPDATE sessions s SET last_seen_at = :now, idle_expires_at = least(:idleExpiresAt, s.expires_at)
  FROM seen WHERE s.account_id = seen.account_id AND s.id = seen.id;
