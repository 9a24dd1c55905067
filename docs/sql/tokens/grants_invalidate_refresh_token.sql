-- grants_invalidate_refresh_token, declared in src/domain/tokens/refresh-token.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   accountId uuid
--   grantId uuid
--   rootHash bytea, may be null
--   clientId text
--   generation int
--   now timestamptz
-- row:
--   id uuid

UPDATE grants g SET refresh_expires_at = :now FROM LATERAL (SELECT * FROM accounts k WHERE k.id = :accountId OFFSET 0) a
 WHERE g.account_id = :accountId AND g.id = :grantId AND g.refresh_root_hash IS NOT DISTINCT FROM :rootHash AND g.client_id IS NOT DISTINCT FROM :clientId AND g.refresh_generation = :generation
   AND g.refresh_expires_at > :now AND g.revoked_at IS NULL AND a.disabled_at IS NULL AND (a.not_before IS NULL OR g.created_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || g.account_id, 'client:' || g.client_id, CASE WHEN g.offline THEN 'client-offline:' || g.client_id END, 'upstream:' || g.upstream_id]) AND o.number > g.began_after_order AND true)
     AND (g.offline OR EXISTS (SELECT 1 FROM (SELECT * FROM sessions k WHERE k.account_id = :accountId AND k.id = g.session_id OFFSET 0) s WHERE s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND a.disabled_at IS NULL AND (a.not_before IS NULL OR s.authenticated_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND true) AND NOT EXISTS (
  SELECT 1 FROM session_upstreams ou JOIN logout_orders o
      ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
   WHERE ou.account_id = :accountId AND ou.session_id = s.id AND true)))
RETURNING g.id;
