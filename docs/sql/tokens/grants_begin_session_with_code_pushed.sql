-- grants_begin_session_with_code_pushed, declared in src/domain/tokens/grant-creation.repository.ts
-- parameters:
--   sessionId uuid
--   accountId uuid
--   passwordChangedAt timestamptz, may be null
--   cookieHash bytea
--   amr text[]
--   now timestamptz
--   idleExpiresAt timestamptz
--   expiresAt timestamptz
--   address text, may be null
--   userAgent text, may be null
--   ownSignInAt timestamptz, may be null
--   upstreamAuthTime timestamptz, may be null
--   id uuid
--   offline boolean
--   claims jsonb, may be null
--   authenticatedAt timestamptz
--   upstream text, may be null
--   codeHash bytea
--   redirectUri text, may be null
--   registeredUri text, may be null
--   codeChallenge text, may be null
--   nonce text, may be null
--   codeExpiresAt timestamptz
--   lastExpiresAt timestamptz
--   clientId text
--   scope text
--   consentScope text[], may be null
--   consentClaims text[], may be null
--   interactionHash bytea
--   interactionBrowser bytea
--   interactionBegan timestamptz
--   interactionExpires timestamptz
--   auditId uuid
--   auditDetails jsonb
--   pushedHash bytea
-- row:
--   is_live boolean
--   may_have_it boolean
--   is_allowed boolean
--   is_granted boolean
--   is_usable boolean
--   is_created boolean

WITH
 account AS (
   SELECT a.id, a.disabled_at, a.not_before FROM accounts a
    WHERE a.id = :accountId AND a.disabled_at IS NULL AND a.password_changed_at IS NOT DISTINCT FROM :passwordChangedAt
      FOR SHARE
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
 ), live AS (
  SELECT a.id FROM account a WHERE a.disabled_at IS NULL AND (a.not_before IS NULL OR :authenticatedAt >= a.not_before)
), may AS (
  SELECT client.client_id, client.token_generation, client.scope, :sessionId AS session_id, NULL::uuid AS upstream_id FROM live, client, allowed
),
 interaction AS (
   INSERT INTO interactions (id_hash, browser_hash, created_at, expires_at, session_id, answered_at) SELECT :interactionHash, :interactionBrowser, :interactionBegan, :interactionExpires, :sessionId, CASE WHEN EXISTS (SELECT FROM may) THEN :now END FROM account
   ON CONFLICT (id_hash) DO NOTHING RETURNING id_hash
 ),
 created AS (
   INSERT INTO sessions (id, account_id, cookie_hash, authenticated_at, amr, created_at, last_seen_at, idle_expires_at,
                         expires_at, address, user_agent, own_sign_in_at, upstream_auth_time, began_after_order)
   SELECT :sessionId, account.id, :cookieHash, :now, :amr, :now, :now, least(:idleExpiresAt, :expiresAt),
          :expiresAt, :address, :userAgent, :ownSignInAt, :upstreamAuthTime, (SELECT coalesce(max(o.number), 0) FROM logout_orders o)
     FROM account, interaction RETURNING id
 ),
 audited AS (
   INSERT INTO audit_events (id, at, event, outcome, details)
   SELECT x.id, x.at, 'sign_in', 'done', x.details FROM (SELECT :auditId AS id, :now AS at, :auditDetails AS details FROM created) x
 ),
 used AS (
   UPDATE pushed_requests p SET used_at = :now FROM may, created
    WHERE p.id_hash = :pushedHash AND p.used_at IS NULL RETURNING p.id_hash
 ),
 g AS (
   INSERT INTO grants (id, account_id, client_id, session_id, offline, scope, claims, authenticated_at, amr, created_at, realm,
                       upstream_id, began_after_order, code_hash, redirect_uri, registered_uri, code_challenge, nonce,
                       code_expires_at, keep_until, client_generation)
   SELECT :id, :accountId, may.client_id, may.session_id, :offline, may.scope, :claims, :authenticatedAt, :amr, :now, :upstream,
          may.upstream_id, (SELECT coalesce(max(o.number), 0) FROM logout_orders o), :codeHash, :redirectUri, :registeredUri, :codeChallenge, :nonce,
          :codeExpiresAt, ((:lastExpiresAt AT TIME ZONE 'UTC')::date + 1), may.token_generation
     FROM may, created, used RETURNING id
 )
SELECT EXISTS (SELECT FROM account) AS is_usable, EXISTS (SELECT FROM created) AS is_created,
       EXISTS (SELECT FROM live) AS is_live, EXISTS (SELECT FROM client) AS may_have_it, EXISTS (SELECT FROM allowed) AS is_allowed, EXISTS (SELECT FROM g) AS is_granted;
