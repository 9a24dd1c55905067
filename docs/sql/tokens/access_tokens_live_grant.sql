-- access_tokens_live_grant, declared in src/domain/tokens/access-token.repository.ts
-- parameters:
--   accountId uuid[]
--   grantId uuid[]
--   jti text[]
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
--   login text
--   account_claims jsonb

SELECT asked.place::int AS place, live.*
  FROM unnest((SELECT :accountId), (SELECT :grantId), (SELECT :jti)) WITH ORDINALITY asked(account_id, grant_id, jti, place)
 CROSS JOIN LATERAL (
   SELECT g.id, g.account_id, g.client_id, g.session_id, g.offline, (SELECT coalesce(string_agg(w.value, ' ' ORDER BY w.place), '')
  FROM unnest(string_to_array(g.scope, ' ')) WITH ORDINALITY w (value, place)
 WHERE w.value = ANY (string_to_array(c.metadata ->> 'scope', ' ')) AND NOT starts_with(w.value, 'exeunt:')
   AND coalesce((c.scope_since ->> w.value)::int, 0) <= g.client_generation) AS scope, g.claims, g.authenticated_at, g.amr, g.realm, a.login, (a.claims || jsonb_build_object(
'preferred_username', coalesce(nullif(a.claims ->> 'preferred_username', ''), a.login),
'updated_at', floor(extract(epoch FROM a.claims_updated_at))::bigint)) AS account_claims FROM grants g CROSS JOIN LATERAL (SELECT * FROM clients k WHERE k.client_id = g.client_id OFFSET 0) c CROSS JOIN LATERAL (SELECT * FROM accounts k WHERE k.id = asked.account_id OFFSET 0) a
    WHERE g.account_id = asked.account_id AND g.id = asked.grant_id AND g.revoked_at IS NULL AND a.disabled_at IS NULL AND (a.not_before IS NULL OR g.created_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || g.account_id, 'client:' || g.client_id, CASE WHEN g.offline THEN 'client-offline:' || g.client_id END, 'upstream:' || g.upstream_id]) AND o.number > g.began_after_order AND true)
     AND (g.offline OR EXISTS (SELECT 1 FROM (SELECT * FROM sessions k WHERE k.account_id = asked.account_id AND k.id = g.session_id OFFSET 0) s WHERE s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND a.disabled_at IS NULL AND (a.not_before IS NULL OR s.authenticated_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND true) AND NOT EXISTS (
  SELECT 1 FROM session_upstreams ou JOIN logout_orders o
      ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
   WHERE ou.account_id = asked.account_id AND ou.session_id = s.id AND true))) AND c.deleted_at IS NULL AND c.disabled_at IS NULL AND (c.metadata -> 'grant_types' ? 'authorization_code' OR coalesce(c.metadata -> 'permissions', '[]') <> '[]') AND (g.upstream_id IS NULL OR EXISTS (
SELECT 1 FROM upstreams vouching WHERE vouching.id = g.upstream_id AND (coalesce(jsonb_typeof(vouching.configuration -> 'clients'), 'null') = 'null' OR vouching.configuration -> 'clients' ? g.client_id)))
      AND NOT EXISTS (SELECT 1 FROM revoked_access_tokens x WHERE x.account_id = asked.account_id AND x.jti = asked.jti) OFFSET 0
 ) live;
