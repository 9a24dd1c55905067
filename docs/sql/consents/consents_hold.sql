-- consents_hold, declared in src/domain/consents/consent.repository.ts
-- parameters:
--   accountId uuid
--   clientId text
-- row:
--   client_id text

SELECT client_id FROM consents WHERE account_id = :accountId AND client_id = :clientId FOR KEY SHARE;
