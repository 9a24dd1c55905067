-- clients_administers, declared in src/domain/clients/administrators.sql.ts
-- parameters:
--   clientId text
--   issuer text
-- row:
--   administers boolean, may be null

SELECT c.deleted_at IS NULL AND c.disabled_at IS NULL AND 'exeunt:admin' = ANY (string_to_array(c.metadata ->> 'scope', ' '))
AND c.metadata -> 'grant_types' ? 'client_credentials'
AND (coalesce(c.metadata -> 'audience', '[]') = '[]' OR c.metadata -> 'audience' ? :issuer)
AND CASE c.metadata ->> 'token_endpoint_auth_method'
      WHEN 'private_key_jwt' THEN c.metadata ? 'jwks_uri' OR c.metadata -> 'jwks' -> 'keys' <> '[]'
      WHEN 'none' THEN false
      ELSE c.secret_hash IS NOT NULL END AS administers FROM clients c
 WHERE c.client_id = :clientId AND c.deleted_at IS NULL FOR NO KEY UPDATE OF c;
