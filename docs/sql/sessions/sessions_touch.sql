-- sessions_touch, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   accountIds uuid[]
--   sessionIds uuid[]
--   now timestamptz
--   idleExpiresAt timestamptz

WITH seen AS (
  SELECT s.* FROM unnest((SELECT :accountIds), (SELECT :sessionIds)) AS x(account_id, id)
   CROSS JOIN LATERAL (
     SELECT * FROM sessions k WHERE k.account_id = x.account_id AND k.id = x.id AND k.terminated_at IS NULL OFFSET 0
   ) s
     FOR NO KEY UPDATE OF s SKIP LOCKED
)
INSERT INTO sessions AS s SELECT seen.* FROM seen
ON CONFLICT (account_id, id) DO UPDATE SET last_seen_at = :now, idle_expires_at = least(:idleExpiresAt, s.expires_at);
