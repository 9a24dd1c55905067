-- upstream_logout_tokens_lock, declared in src/domain/upstreams/upstream-logout-token.repository.ts
-- parameters:
--   names text[]
-- row:
--   pg_advisory_xact_lock void

SELECT pg_advisory_xact_lock(key)
  FROM (SELECT DISTINCT hashtextextended(name, 7355608) AS key FROM unnest(:names) name ORDER BY 1) keys;
