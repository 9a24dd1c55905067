-- upstreams_distrust_phone_number, declared in src/domain/upstreams/upstream.repository.ts
-- parameters:
--   issuer text
--   trusted boolean
--   now timestamptz

UPDATE accounts a SET claims = a.claims || jsonb_build_object('phone_number_verified', false), claims_updated_at = :now, updated_at = :now
WHERE a.claims -> 'phone_number_verified' = 'true'::jsonb AND a.id IN (SELECT i.account_id FROM upstream_identities i WHERE i.issuer = :issuer AND i.owns_claims) AND NOT :trusted;
