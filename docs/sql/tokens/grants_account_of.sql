-- grants_account_of, declared in src/domain/tokens/grant.repository.ts
-- parameters:
--   grantId uuid
-- row:
--   account_id uuid

SELECT g.account_id FROM grants g WHERE g.id = :grantId;
