-- grants_rotate_refresh_token, declared in src/domain/tokens/refresh-token.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   accountId uuid[]
--   grantId uuid[]
--   rootHash bytea[]
--   clientId text[]
--   generation int[]
--   scope text[]
--   successorExpiresAt timestamptz[]
--   opaqueHash bytea[]
--   opaqueJti text[]
--   opaqueScope text[]
--   opaqueAudience text[]
--   opaqueAudienceOfOpenid text[]
--   opaqueExpiresAt timestamptz[]
--   now timestamptz
-- row:
--   place int
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

WITH asked AS (
  SELECT * FROM unnest((SELECT :accountId), (SELECT :grantId), (SELECT :rootHash), (SELECT :clientId), (SELECT :generation), (SELECT :scope), (SELECT :successorExpiresAt), (SELECT :opaqueHash), (SELECT :opaqueJti), (SELECT :opaqueScope), (SELECT :opaqueAudience), (SELECT :opaqueAudienceOfOpenid), (SELECT :opaqueExpiresAt)) WITH ORDINALITY
      x(account_id, grant_id, root_hash, client_id, generation, scope, successor_expires_at, opaque_hash, opaque_jti, opaque_scope, opaque_audience, opaque_audience_of_openid, opaque_expires_at, place)
   ORDER BY account_id, grant_id
), g AS MATERIALIZED (
  SELECT asked.place, g.id, g.account_id, g.client_id, g.session_id, g.offline, (SELECT coalesce(string_agg(w.value, ' ' ORDER BY w.place), '')
  FROM unnest(string_to_array(g.scope, ' ')) WITH ORDINALITY w (value, place)
 WHERE w.value = ANY (string_to_array(c.metadata ->> 'scope', ' ')) AND NOT starts_with(w.value, 'exeunt:')
   AND coalesce((c.scope_since ->> w.value)::int, 0) <= g.client_generation) AS scope, g.claims, g.authenticated_at, g.amr, g.realm, (SELECT k.sid FROM session_clients k
WHERE k.account_id = asked.account_id AND k.session_id = g.session_id AND k.client_id = g.client_id) AS sid, (a.claims || jsonb_build_object(
'preferred_username', coalesce(nullif(a.claims ->> 'preferred_username', ''), a.login),
'updated_at', floor(extract(epoch FROM a.claims_updated_at))::bigint)) AS account_claims,
         g.scope AS stored_scope, g.created_at, g.keep_until, g.refresh_generation, asked.successor_expires_at, opaque_hash, opaque_jti, opaque_scope, opaque_audience, opaque_audience_of_openid, opaque_expires_at
    FROM asked CROSS JOIN LATERAL (SELECT * FROM clients k WHERE k.client_id = asked.client_id OFFSET 0) c CROSS JOIN LATERAL (SELECT * FROM accounts k WHERE k.id = asked.account_id OFFSET 0) a
   CROSS JOIN LATERAL (
     SELECT k.* FROM grants k WHERE k.account_id = asked.account_id AND k.id = asked.grant_id OFFSET 0 FOR NO KEY UPDATE
   ) g
   WHERE g.refresh_root_hash IS NOT DISTINCT FROM asked.root_hash AND g.client_id = asked.client_id
     AND g.refresh_generation = asked.generation AND g.refresh_expires_at > :now
     AND (asked.scope IS NULL OR string_to_array(asked.scope, ' ') <@ string_to_array((SELECT coalesce(string_agg(w.value, ' ' ORDER BY w.place), '')
  FROM unnest(string_to_array(g.scope, ' ')) WITH ORDINALITY w (value, place)
 WHERE w.value = ANY (string_to_array(c.metadata ->> 'scope', ' ')) AND NOT starts_with(w.value, 'exeunt:')
   AND coalesce((c.scope_since ->> w.value)::int, 0) <= g.client_generation), ' '))
     AND g.revoked_at IS NULL AND a.disabled_at IS NULL AND (a.not_before IS NULL OR g.created_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || g.account_id, 'client:' || g.client_id, CASE WHEN g.offline THEN 'client-offline:' || g.client_id END, 'upstream:' || g.upstream_id]) AND o.number > g.began_after_order AND true)
     AND (g.offline OR EXISTS (SELECT 1 FROM (SELECT * FROM sessions k WHERE k.account_id = asked.account_id AND k.id = g.session_id OFFSET 0) s WHERE s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND a.disabled_at IS NULL AND (a.not_before IS NULL OR s.authenticated_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND true) AND NOT EXISTS (
  SELECT 1 FROM session_upstreams ou JOIN logout_orders o
      ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
   WHERE ou.account_id = asked.account_id AND ou.session_id = s.id AND true))) AND c.deleted_at IS NULL AND c.disabled_at IS NULL AND (c.metadata -> 'grant_types' ? 'authorization_code' OR coalesce(c.metadata -> 'permissions', '[]') <> '[]') AND (g.upstream_id IS NULL OR EXISTS (
SELECT 1 FROM upstreams vouching WHERE vouching.id = g.upstream_id AND (coalesce(jsonb_typeof(vouching.configuration -> 'clients'), 'null') = 'null' OR vouching.configuration -> 'clients' ? g.client_id))) AND (c.metadata -> 'grant_types' ? 'refresh_token' OR coalesce(c.metadata -> 'permissions', '[]') <> '[]')
), turned AS (
  INSERT INTO grants (account_id, id, client_id, offline, scope, authenticated_at, amr, created_at,
         refresh_generation, refreshed_at, refresh_expires_at, keep_until)
  SELECT g.account_id, g.id, g.client_id, g.offline, g.stored_scope, g.authenticated_at, g.amr, g.created_at,
         g.refresh_generation + 1, :now, g.successor_expires_at, greatest(g.keep_until, ((g.successor_expires_at AT TIME ZONE 'UTC')::date + 1))
    FROM g
  ON CONFLICT (account_id, id) DO UPDATE SET refresh_generation = excluded.refresh_generation, refreshed_at = excluded.refreshed_at,
         refresh_expires_at = excluded.refresh_expires_at, keep_until = excluded.keep_until
),
 opaque AS (
   INSERT INTO opaque_access_tokens (account_id, token_hash, jti, grant_id, client_id, scope, audience, issued_at, expires_at)
   SELECT g.account_id, g.opaque_hash, g.opaque_jti, g.id, g.client_id, token.scope,
          ARRAY(SELECT jsonb_array_elements_text(g.opaque_audience::jsonb)) || CASE WHEN 'openid' = ANY (string_to_array(token.scope, ' ')) THEN ARRAY(SELECT jsonb_array_elements_text(g.opaque_audience_of_openid::jsonb)) ELSE '{}' END,
          :now, g.opaque_expires_at
     FROM g, LATERAL (SELECT coalesce(g.opaque_scope, g.scope) AS scope) token
    WHERE g.opaque_hash IS NOT NULL
 )
SELECT g.place::int AS place, g.id, g.account_id, g.client_id, g.session_id, g.offline, g.scope, g.claims, g.authenticated_at, g.amr, g.realm, g.sid, g.account_claims FROM g;
