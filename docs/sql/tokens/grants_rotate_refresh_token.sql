-- grants_rotate_refresh_token, declared in src/domain/tokens/refresh-token.repository.ts
-- parameters:
--   accountId uuid
--   grantId uuid
--   rootHash bytea, may be null
--   clientId text
--   generation int
--   scope text[], may be null
--   successorExpiresAt timestamptz
--   now timestamptz
--   opaqueHash bytea, may be null
--   opaqueJti text, may be null
--   opaqueScope text, may be null
--   opaqueAudience text[], may be null
--   opaqueAudienceOfOpenid text[], may be null
--   opaqueExpiresAt timestamptz, may be null
-- row:
--   id uuid
--   account_id uuid
--   client_id text
--   session_id uuid, may be null
--   offline boolean
--   scope text
--   claims jsonb, may be null
--   authenticated_at timestamptz
--   amr text[]
--   realm text, may be null
--   sid text, may be null
--   account_claims jsonb

WITH g AS (
  UPDATE grants g SET refresh_generation = g.refresh_generation + 1, refreshed_at = :now, refresh_expires_at = :successorExpiresAt,
         keep_until = greatest(g.keep_until, ((:successorExpiresAt AT TIME ZONE 'UTC')::date + 1))
    FROM LATERAL (SELECT * FROM clients k WHERE k.client_id = :clientId OFFSET 0) c, LATERAL (SELECT * FROM accounts k WHERE k.id = :accountId OFFSET 0) a
   WHERE g.account_id = :accountId AND g.id = :grantId AND g.refresh_root_hash IS NOT DISTINCT FROM :rootHash AND g.client_id IS NOT DISTINCT FROM :clientId AND g.refresh_generation = :generation
     AND g.refresh_expires_at > :now AND (:scope IS NULL OR :scope <@ string_to_array((SELECT coalesce(string_agg(w.value, ' ' ORDER BY w.place), '')
  FROM unnest(string_to_array(g.scope, ' ')) WITH ORDINALITY w (value, place)
 WHERE w.value = ANY (string_to_array(c.metadata ->> 'scope', ' ')) AND NOT starts_with(w.value, 'exeunt:')
   AND coalesce((c.scope_since ->> w.value)::int, 0) <= g.client_generation), ' ')) AND g.revoked_at IS NULL AND a.disabled_at IS NULL AND (a.not_before IS NULL OR g.created_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || g.account_id, 'client:' || g.client_id, CASE WHEN g.offline THEN 'client-offline:' || g.client_id END, 'upstream:' || g.upstream_id]) AND o.number > g.began_after_order AND true)
     AND (g.offline OR EXISTS (SELECT 1 FROM (SELECT * FROM sessions k WHERE k.account_id = :accountId AND k.id = g.session_id OFFSET 0) s WHERE s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND a.disabled_at IS NULL AND (a.not_before IS NULL OR s.authenticated_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND true) AND NOT EXISTS (
  SELECT 1 FROM session_upstreams ou JOIN logout_orders o
      ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
   WHERE ou.account_id = :accountId AND ou.session_id = s.id AND true))) AND c.deleted_at IS NULL AND c.disabled_at IS NULL AND (c.metadata -> 'grant_types' ? 'authorization_code' OR coalesce(c.metadata -> 'permissions', '[]') <> '[]') AND (g.upstream_id IS NULL OR EXISTS (
SELECT 1 FROM upstreams vouching WHERE vouching.id = g.upstream_id AND (coalesce(jsonb_typeof(vouching.configuration -> 'clients'), 'null') = 'null' OR vouching.configuration -> 'clients' ? g.client_id))) AND (c.metadata -> 'grant_types' ? 'refresh_token' OR coalesce(c.metadata -> 'permissions', '[]') <> '[]')
  RETURNING g.id, g.account_id, g.client_id, g.session_id, g.offline, (SELECT coalesce(string_agg(w.value, ' ' ORDER BY w.place), '')
  FROM unnest(string_to_array(g.scope, ' ')) WITH ORDINALITY w (value, place)
 WHERE w.value = ANY (string_to_array(c.metadata ->> 'scope', ' ')) AND NOT starts_with(w.value, 'exeunt:')
   AND coalesce((c.scope_since ->> w.value)::int, 0) <= g.client_generation) AS scope, g.claims, g.authenticated_at, g.amr, g.realm, (SELECT k.sid FROM session_clients k
WHERE k.account_id = :accountId AND k.session_id = g.session_id AND k.client_id = g.client_id) AS sid, (a.claims || jsonb_build_object(
'preferred_username', coalesce(nullif(a.claims ->> 'preferred_username', ''), a.login),
'updated_at', floor(extract(epoch FROM a.claims_updated_at))::bigint)) AS account_claims
),
 opaque AS (
   INSERT INTO opaque_access_tokens (account_id, token_hash, jti, grant_id, client_id, scope, audience, issued_at, expires_at)
   SELECT g.account_id, :opaqueHash, :opaqueJti, g.id, g.client_id, token.scope,
          :opaqueAudience || CASE WHEN 'openid' = ANY (string_to_array(token.scope, ' ')) THEN :opaqueAudienceOfOpenid ELSE '{}' END,
          :now, :opaqueExpiresAt
     FROM g, LATERAL (SELECT coalesce(:opaqueScope, g.scope) AS scope) token
    WHERE :opaqueHash IS NOT NULL
 )
SELECT * FROM g;
