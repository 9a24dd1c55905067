-- sessions_reauthenticate, declared in src/domain/sessions/session-sign-in.repository.ts
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
-- row:
--   id uuid

UPDATE sessions s
   SET cookie_hash = :cookieHash, before_routing = false, authenticated_at = :now, amr = :amr, last_seen_at = :now,
       idle_expires_at = least(:idleExpiresAt, :expiresAt), expires_at = :expiresAt, address = :address,
       user_agent = :userAgent, own_sign_in_at = coalesce(:ownSignInAt, s.own_sign_in_at),
       upstream_auth_time = :upstreamAuthTime
  FROM accounts a
 WHERE s.account_id = :accountId AND s.id = :sessionId AND a.id = :accountId
   AND s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND a.disabled_at IS NULL AND (a.not_before IS NULL OR s.authenticated_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND true) AND NOT EXISTS (
  SELECT 1 FROM session_upstreams ou JOIN logout_orders o
      ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
   WHERE ou.account_id = :accountId AND ou.session_id = s.id AND true) AND a.password_changed_at IS NOT DISTINCT FROM :passwordChangedAt
RETURNING s.id;
