-- consents_remember, declared in src/domain/consents/consent.repository.ts
-- parameters:
--   accountId uuid
--   clientId text
--   scope text[]
--   claims text[]
--   now timestamptz

INSERT INTO consents (account_id, client_id, scope, claims, granted_at)
VALUES (:accountId, :clientId, :scope, :claims, :now)
ON CONFLICT (account_id, client_id) DO UPDATE SET granted_at = excluded.granted_at,
  scope = ARRAY(SELECT DISTINCT unnest(consents.scope || excluded.scope)),
  claims = ARRAY(SELECT DISTINCT unnest(consents.claims || excluded.claims));
