-- grants_exchange_code, declared in src/domain/tokens/grant.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   accountId uuid
--   grantId uuid
--   codeHash bytea
--   clientId text
--   redirectUri text, may be null
--   codeChallenge text, may be null
--   now timestamptz
--   newSid text
--   refreshRootHash bytea, may be null
--   refreshExpiresAt timestamptz
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

WITH s AS (
  SELECT s.id, (a.claims || jsonb_build_object(
'preferred_username', coalesce(nullif(a.claims ->> 'preferred_username', ''), a.login),
'updated_at', floor(extract(epoch FROM a.claims_updated_at))::bigint)) AS account_claims
    FROM (SELECT * FROM sessions k WHERE k.account_id = :accountId AND k.id = (SELECT g.session_id FROM grants g WHERE g.account_id = :accountId AND g.id = :grantId AND g.code_hash IS NOT DISTINCT FROM :codeHash
     AND g.client_id IS NOT DISTINCT FROM :clientId AND g.code_consumed_at IS NULL AND g.code_expires_at > :now
     AND g.redirect_uri IS NOT DISTINCT FROM :redirectUri AND g.code_challenge IS NOT DISTINCT FROM :codeChallenge) OFFSET 0) s CROSS JOIN LATERAL (SELECT * FROM accounts k WHERE k.id = :accountId OFFSET 0) a
   WHERE s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND a.disabled_at IS NULL AND (a.not_before IS NULL OR s.authenticated_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND true) AND NOT EXISTS (
  SELECT 1 FROM session_upstreams ou JOIN logout_orders o
      ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
   WHERE ou.account_id = :accountId AND ou.session_id = s.id AND true)
     FOR NO KEY UPDATE OF s
), g AS (
  UPDATE grants g SET code_consumed_at = :now, refresh_root_hash = :refreshRootHash,
         refresh_expires_at = CASE WHEN :refreshRootHash IS NOT NULL THEN :refreshExpiresAt END,
         keep_until = greatest(g.keep_until, ((:refreshExpiresAt AT TIME ZONE 'UTC')::date + 1))
    FROM s, LATERAL (SELECT * FROM clients k WHERE k.client_id = :clientId OFFSET 0) c
   WHERE g.account_id = :accountId AND g.id = :grantId AND g.code_hash IS NOT DISTINCT FROM :codeHash
     AND g.client_id IS NOT DISTINCT FROM :clientId AND g.code_consumed_at IS NULL AND g.code_expires_at > :now
     AND g.redirect_uri IS NOT DISTINCT FROM :redirectUri AND g.code_challenge IS NOT DISTINCT FROM :codeChallenge AND g.session_id IS NOT DISTINCT FROM s.id
     AND g.revoked_at IS NULL AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || g.account_id, 'client:' || g.client_id, CASE WHEN g.offline THEN 'client-offline:' || g.client_id END, 'upstream:' || g.upstream_id]) AND o.number > g.began_after_order AND true) AND (g.upstream_id IS NULL OR EXISTS (
SELECT 1 FROM upstreams vouching WHERE vouching.id = g.upstream_id AND (coalesce(jsonb_typeof(vouching.configuration -> 'clients'), 'null') = 'null' OR vouching.configuration -> 'clients' ? g.client_id)))
     AND c.deleted_at IS NULL AND c.disabled_at IS NULL AND (c.metadata -> 'grant_types' ? 'authorization_code' OR coalesce(c.metadata -> 'permissions', '[]') <> '[]') AND (g.registered_uri IS NULL OR c.metadata -> 'redirect_uris' ? g.registered_uri)
  RETURNING g.id, g.account_id, g.client_id, g.session_id, g.offline, (SELECT coalesce(string_agg(w.value, ' ' ORDER BY w.place), '')
  FROM unnest(string_to_array(g.scope, ' ')) WITH ORDINALITY w (value, place)
 WHERE w.value = ANY (string_to_array(c.metadata ->> 'scope', ' ')) AND NOT starts_with(w.value, 'exeunt:')
   AND coalesce((c.scope_since ->> w.value)::int, 0) <= g.client_generation) AS scope, g.claims, g.authenticated_at, g.amr, g.realm, g.nonce, s.account_claims
),
 participant AS (
   INSERT INTO session_clients (account_id, session_id, client_id, sid, joined_at, began_after_order)
   SELECT account_id, session_id, client_id, :newSid, :now, (SELECT coalesce(max(o.number), 0) FROM logout_orders o) FROM g WHERE session_id IS NOT NULL
   -- The sid of a client's session is given once; the empty update only makes RETURNING answer.
   ON CONFLICT (account_id, session_id, client_id) DO UPDATE SET joined_at = session_clients.joined_at
   RETURNING account_id, session_id, client_id, sid
 ),
 participant_counted AS (
   UPDATE sessions s SET client_count = s.client_count + 1
    WHERE s.account_id = :accountId AND s.id = (SELECT p.session_id FROM participant p WHERE p.sid = :newSid)
 ),
 opaque AS (
   INSERT INTO opaque_access_tokens (account_id, token_hash, jti, grant_id, client_id, scope, audience, issued_at, expires_at)
   SELECT g.account_id, :opaqueHash, :opaqueJti, g.id, g.client_id, token.scope,
          :opaqueAudience || CASE WHEN 'openid' = ANY (string_to_array(token.scope, ' ')) THEN :opaqueAudienceOfOpenid ELSE '{}' END,
          :now, :opaqueExpiresAt
     FROM g, LATERAL (SELECT coalesce(:opaqueScope, g.scope) AS scope) token
    WHERE :opaqueHash IS NOT NULL
 )
SELECT g.*, participant.sid FROM g, participant;
