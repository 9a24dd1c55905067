-- grants_answer_with_code_pushed, declared in src/domain/tokens/grant-creation.repository.ts
-- parameters:
--   id uuid
--   accountId uuid
--   offline boolean
--   claims jsonb, may be null
--   authenticatedAt timestamptz
--   amr text[]
--   upstream text, may be null
--   codeHash bytea
--   redirectUri text, may be null
--   registeredUri text, may be null
--   codeChallenge text, may be null
--   nonce text, may be null
--   codeExpiresAt timestamptz
--   lastExpiresAt timestamptz
--   now timestamptz
--   clientId text
--   sessionId uuid
--   scope text
--   consentScope text[], may be null
--   consentClaims text[], may be null
--   interactionHash bytea
--   interactionBrowser bytea
--   interactionBegan timestamptz
--   interactionExpires timestamptz
--   cookieHash bytea, may be null
--   pushedHash bytea
-- row:
--   is_live boolean
--   may_have_it boolean
--   is_allowed boolean
--   is_granted boolean

WITH live AS (
  SELECT s.id, (SELECT way.upstream_id FROM session_upstreams way JOIN upstreams vouching ON vouching.id = way.upstream_id
 WHERE way.account_id = :accountId AND way.session_id = s.id AND (coalesce(jsonb_typeof(vouching.configuration -> 'clients'), 'null') = 'null' OR vouching.configuration -> 'clients' ? :clientId)
   AND (s.own_sign_in_at IS NULL OR way.authenticated_at >= s.own_sign_in_at)
 ORDER BY way.authenticated_at DESC LIMIT 1) AS upstream_id
    FROM (SELECT * FROM sessions k WHERE k.account_id = :accountId AND k.id = :sessionId OFFSET 0) s CROSS JOIN LATERAL (SELECT * FROM accounts k WHERE k.id = :accountId OFFSET 0) a
   WHERE s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND a.disabled_at IS NULL AND (a.not_before IS NULL OR s.authenticated_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND true) AND NOT EXISTS (
  SELECT 1 FROM session_upstreams ou JOIN logout_orders o
      ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
   WHERE ou.account_id = :accountId AND ou.session_id = s.id AND true) AND (s.own_sign_in_at IS NOT NULL OR EXISTS (
SELECT 1 FROM session_upstreams way JOIN upstreams vouching ON vouching.id = way.upstream_id
 WHERE way.account_id = :accountId AND way.session_id = s.id AND (coalesce(jsonb_typeof(vouching.configuration -> 'clients'), 'null') = 'null' OR vouching.configuration -> 'clients' ? :clientId)
OFFSET 0))
     AND (:cookieHash IS NULL OR s.cookie_hash = :cookieHash)
),
 client AS MATERIALIZED (
   SELECT c.client_id, c.token_generation, (SELECT coalesce(string_agg(w.value, ' ' ORDER BY w.place), '')
  FROM unnest(string_to_array(:scope, ' ')) WITH ORDINALITY w (value, place)
 WHERE w.value = ANY (string_to_array(c.metadata ->> 'scope', ' ')) AND NOT starts_with(w.value, 'exeunt:')
   ) AS scope FROM clients c
    WHERE c.client_id = :clientId AND c.deleted_at IS NULL AND c.disabled_at IS NULL AND (c.metadata -> 'grant_types' ? 'authorization_code' OR coalesce(c.metadata -> 'permissions', '[]') <> '[]') AND (NOT :offline OR (
'offline_access' = ANY (string_to_array(c.metadata ->> 'scope', ' ')) AND c.metadata -> 'grant_types' ? 'refresh_token')) AND (:registeredUri IS NULL OR c.metadata -> 'redirect_uris' ? :registeredUri) FOR SHARE OF c
 ),
 consent AS MATERIALIZED (
   SELECT 1 AS found FROM consents
    -- Compared by rows, so that it is found by its key and not among all consents of the client.
    WHERE :consentScope IS NOT NULL AND account_id = :accountId
      AND (account_id, client_id) >= (:accountId, :clientId) AND (account_id, client_id) <= (:accountId, :clientId)
      AND scope @> :consentScope AND claims @> :consentClaims
      FOR KEY SHARE
 ), allowed AS MATERIALIZED (
   SELECT 1 AS found WHERE :consentScope IS NULL UNION ALL SELECT found FROM consent
 ), may AS (
  SELECT client.client_id, client.token_generation, client.scope, live.id AS session_id, live.upstream_id FROM live, client, allowed
),
 answered AS (
   INSERT INTO interactions (id_hash, browser_hash, created_at, expires_at, answered_at) SELECT :interactionHash, :interactionBrowser, :interactionBegan, :interactionExpires, :now FROM may
   ON CONFLICT (id_hash) DO UPDATE SET answered_at = excluded.answered_at WHERE interactions.answered_at IS NULL
   RETURNING id_hash
 ),
 used AS (
   UPDATE pushed_requests p SET used_at = :now FROM may, answered
    WHERE p.id_hash = :pushedHash AND p.used_at IS NULL RETURNING p.id_hash
 ),
 g AS (
   INSERT INTO grants (id, account_id, client_id, session_id, offline, scope, claims, authenticated_at, amr, created_at, realm,
                       upstream_id, began_after_order, code_hash, redirect_uri, registered_uri, code_challenge, nonce,
                       code_expires_at, keep_until, client_generation)
   SELECT :id, :accountId, may.client_id, may.session_id, :offline, may.scope, :claims, :authenticatedAt, :amr, :now, :upstream,
          may.upstream_id, (SELECT coalesce(max(o.number), 0) FROM logout_orders o), :codeHash, :redirectUri, :registeredUri, :codeChallenge, :nonce,
          :codeExpiresAt, ((:lastExpiresAt AT TIME ZONE 'UTC')::date + 1), may.token_generation
     FROM may, answered, used RETURNING id
 )
SELECT EXISTS (SELECT FROM live) AS is_live, EXISTS (SELECT FROM client) AS may_have_it, EXISTS (SELECT FROM allowed) AS is_allowed, EXISTS (SELECT FROM g) AS is_granted;
