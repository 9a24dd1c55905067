-- rate_limits_forget, declared in src/platform/rate-limits/rate-limit.repository.ts
-- parameters:
--   key text

DELETE FROM rate_limits WHERE key = :key;
