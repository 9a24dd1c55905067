-- grants_exchange_code, declared in src/domain/tokens/grant.repository.ts
-- parameters:
--   codeHash bytea
--   clientId text
--   redirectUri text, may be null
--   codeChallenge text, may be null
--   now timestamptz
--   newSid text
--   refreshTokenHash bytea
--   refreshExpiresAt timestamptz
--   withRefreshToken boolean
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
--   nonce text, may be null

WITH code AS (
  SELECT c.code_hash, c.grant_id, c.registered_uri FROM authorization_codes c
   WHERE c.code_hash = :codeHash AND c.consumed_at IS NULL AND c.expires_at > :now
     AND c.redirect_uri IS NOT DISTINCT FROM :redirectUri AND c.code_challenge IS NOT DISTINCT FROM :codeChallenge
), s AS (
  SELECT s.id, (a.claims || jsonb_build_object(
'preferred_username', coalesce(nullif(a.claims ->> 'preferred_username', ''), a.login),
'updated_at', floor(extract(epoch FROM a.claims_updated_at))::bigint)) AS account_claims
    FROM sessions s CROSS JOIN LATERAL (SELECT * FROM accounts k WHERE k.id = s.account_id OFFSET 0) a
   WHERE s.id = (SELECT CASE WHEN g.client_id = :clientId THEN g.session_id END FROM grants g WHERE g.id = (SELECT grant_id FROM code))
     AND s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND a.disabled_at IS NULL AND (a.not_before IS NULL OR s.authenticated_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND true) AND NOT EXISTS (
  SELECT 1 FROM session_upstreams ou JOIN logout_orders o
      ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
   WHERE ou.session_id = s.id AND true)
     FOR NO KEY UPDATE OF s
), g AS (
  SELECT g.id, g.account_id, g.client_id, g.session_id, g.offline, (SELECT coalesce(string_agg(w.value, ' ' ORDER BY w.place), '')
  FROM unnest(string_to_array(g.scope, ' ')) WITH ORDINALITY w (value, place)
 WHERE w.value = ANY (string_to_array(c.metadata ->> 'scope', ' ')) AND NOT starts_with(w.value, 'exeunt:')) AS scope, g.claims, g.authenticated_at, g.amr, g.realm, s.account_claims
    FROM grants g CROSS JOIN LATERAL (SELECT * FROM clients k WHERE k.client_id = g.client_id OFFSET 0) c CROSS JOIN s CROSS JOIN code
   -- The key alone can be looked up: an index on sessions must not look as good as it.
   WHERE g.id = (SELECT grant_id FROM code) AND g.session_id IS NOT DISTINCT FROM s.id
     AND g.revoked_at IS NULL AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || g.account_id, 'client:' || g.client_id, CASE WHEN g.offline THEN 'client-offline:' || g.client_id END, 'upstream:' || g.upstream_id]) AND o.number > g.began_after_order AND true) AND (g.upstream_id IS NULL OR EXISTS (
SELECT 1 FROM upstreams vouching WHERE vouching.id = g.upstream_id AND (coalesce(jsonb_typeof(vouching.configuration -> 'clients'), 'null') = 'null' OR vouching.configuration -> 'clients' ? g.client_id)))
     AND c.deleted_at IS NULL AND c.disabled_at IS NULL AND (c.metadata -> 'grant_types' ? 'authorization_code' OR coalesce(c.metadata -> 'permissions', '[]') <> '[]') AND (code.registered_uri IS NULL OR c.metadata -> 'redirect_uris' ? code.registered_uri) FOR SHARE OF g
), consumed AS (
  UPDATE authorization_codes c SET consumed_at = :now FROM g
   WHERE c.code_hash = :codeHash AND c.consumed_at IS NULL
  RETURNING c.nonce, g.session_id, g.client_id
),
 participant AS (
   INSERT INTO session_clients (session_id, client_id, sid, joined_at, began_after_order)
   SELECT session_id, client_id, :newSid, :now, (SELECT coalesce(max(o.number), 0) FROM logout_orders o) FROM consumed WHERE session_id IS NOT NULL
   -- The sid of a client's session is given once; the empty update only makes RETURNING answer.
   ON CONFLICT (session_id, client_id) DO UPDATE SET joined_at = session_clients.joined_at
   RETURNING session_id, client_id, sid, (xmax = 0) AS is_new
 ),
 participant_counted AS (
   UPDATE sessions s SET client_count = s.client_count + 1 FROM participant p WHERE s.id = p.session_id AND p.is_new
 ), refresh AS (
  INSERT INTO refresh_tokens (token_hash, grant_id, created_at, expires_at)
  SELECT :refreshTokenHash, g.id, :now, :refreshExpiresAt FROM g, consumed WHERE :withRefreshToken
),
 opaque AS (
   INSERT INTO opaque_access_tokens (token_hash, jti, grant_id, client_id, scope, audience, issued_at, expires_at)
   SELECT :opaqueHash, :opaqueJti, g.id, g.client_id, token.scope,
          :opaqueAudience || CASE WHEN 'openid' = ANY (string_to_array(token.scope, ' ')) THEN :opaqueAudienceOfOpenid ELSE '{}' END,
          :now, :opaqueExpiresAt
     FROM g, consumed, LATERAL (SELECT coalesce(:opaqueScope, g.scope) AS scope) token
    WHERE :opaqueHash IS NOT NULL
 )
SELECT g.*, consumed.nonce, participant.sid FROM g, consumed, participant;
