-- consents_covers, declared in src/domain/consents/consent.repository.ts
-- parameters:
--   accountId uuid
--   clientId text
--   scope text[]
--   claims text[]
-- row:
--   found int

SELECT 1 AS found FROM consents
 WHERE account_id = :accountId AND client_id = :clientId AND scope @> :scope AND claims @> :claims;
