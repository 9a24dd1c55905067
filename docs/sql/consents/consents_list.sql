-- consents_list, declared in src/domain/consents/consent.repository.ts
-- parameters:
--   accountId uuid
-- row:
--   client_id text
--   scope text[]
--   claims text[]
--   granted_at timestamptz

SELECT client_id, scope, claims, granted_at FROM consents WHERE account_id = :accountId
 ORDER BY granted_at DESC, client_id;
