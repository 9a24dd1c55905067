-- accounts_verified_elsewhere, declared in src/domain/accounts/account.repository.ts
-- parameters:
--   email text
--   accountId uuid, may be null
-- row:
--   found int

SELECT 1 AS found FROM accounts a
 WHERE lower(a.claims ->> 'email') = lower(:email) AND a.claims -> 'email_verified' = 'true'::jsonb
   AND a.id IS DISTINCT FROM :accountId LIMIT 1;
