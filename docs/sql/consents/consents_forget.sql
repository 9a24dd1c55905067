-- consents_forget, declared in src/domain/consents/consent.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   accountId uuid
--   clientId text
-- row:
--   client_id text

DELETE FROM consents WHERE account_id = :accountId AND client_id = :clientId RETURNING client_id;
