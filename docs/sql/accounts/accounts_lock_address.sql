-- accounts_lock_address, declared in src/domain/accounts/account.repository.ts
-- parameters:
--   email text
-- row:
--   pg_advisory_xact_lock void

SELECT pg_advisory_xact_lock(hashtextextended(lower(:email), 7355609));
