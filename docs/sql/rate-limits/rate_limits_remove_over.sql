-- rate_limits_remove_over, declared in src/platform/rate-limits/rate-limits.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

WITH due AS (
  SELECT key FROM rate_limits WHERE expire < (extract(epoch FROM :before) * 1000)::bigint ORDER BY expire LIMIT (SELECT 1000) FOR UPDATE SKIP LOCKED
)
DELETE FROM rate_limits WHERE key = ANY (ARRAY(SELECT key FROM due)) AND (key) IN (SELECT key FROM due) RETURNING 1 AS removed;
