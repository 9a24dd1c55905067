-- upstreams_distrust_email, declared in src/domain/upstreams/upstream.repository.ts
-- parameters:
--   issuer text
--   trusted boolean
--   domains text[], may be null
--   now timestamptz

UPDATE accounts a SET claims = a.claims || jsonb_build_object('email_verified', false), claims_updated_at = :now, updated_at = :now
WHERE a.claims -> 'email_verified' = 'true'::jsonb AND a.id IN (SELECT i.account_id FROM upstream_identities i WHERE i.issuer = :issuer AND i.owns_claims) AND NOT (:trusted AND (:domains IS NULL OR lower(split_part(a.claims ->> 'email', '@', -1)) = ANY (:domains)));
