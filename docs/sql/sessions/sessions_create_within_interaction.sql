-- sessions_create_within_interaction, declared in src/domain/sessions/session-sign-in.repository.ts
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
--   interactionHash bytea
--   interactionBrowser bytea
--   interactionBegan timestamptz
--   interactionExpires timestamptz
--   auditId uuid
--   auditDetails jsonb
-- row:
--   is_usable boolean
--   is_created boolean

WITH
 account AS (
   SELECT a.id, a.disabled_at, a.not_before FROM accounts a
    WHERE a.id = :accountId AND a.disabled_at IS NULL AND a.password_changed_at IS NOT DISTINCT FROM :passwordChangedAt
      FOR SHARE
 ),
 interaction AS (
   INSERT INTO interactions (id_hash, browser_hash, created_at, expires_at, session_id) SELECT :interactionHash, :interactionBrowser, :interactionBegan, :interactionExpires, :sessionId FROM account
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
 )
SELECT EXISTS (SELECT FROM account) AS is_usable, EXISTS (SELECT FROM created) AS is_created;
