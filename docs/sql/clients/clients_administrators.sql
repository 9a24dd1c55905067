-- clients_administrators, declared in src/domain/clients/administrators.sql.ts
-- parameters:
--   issuer text
-- row:
--   client_id text

SELECT c.client_id FROM clients c WHERE c.deleted_at IS NULL AND c.disabled_at IS NULL AND 'exeunt:admin' = ANY (string_to_array(c.metadata ->> 'scope', ' '))
AND c.metadata -> 'grant_types' ? 'client_credentials'
AND (coalesce(c.metadata -> 'audience', '[]') = '[]' OR c.metadata -> 'audience' ? :issuer)
AND CASE c.metadata ->> 'token_endpoint_auth_method'
      WHEN 'private_key_jwt' THEN c.metadata ? 'jwks_uri' OR c.metadata -> 'jwks' -> 'keys' <> '[]'
      WHEN 'none' THEN false
      ELSE c.secret_hash IS NOT NULL END LIMIT 2;
