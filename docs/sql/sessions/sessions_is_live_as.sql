-- sessions_is_live_as, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   accountId uuid
--   clientId text
--   sid text
--   now timestamptz
-- row:
--   found int

SELECT 1 AS found FROM session_clients sc JOIN sessions s ON s.account_id = :accountId AND s.id = sc.session_id JOIN accounts a ON a.id = :accountId
 WHERE sc.account_id = :accountId AND sc.client_id = :clientId AND sc.sid = :sid AND s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND a.disabled_at IS NULL AND (a.not_before IS NULL OR s.authenticated_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND true) AND NOT EXISTS (
  SELECT 1 FROM session_upstreams ou JOIN logout_orders o
      ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
   WHERE ou.account_id = :accountId AND ou.session_id = s.id AND true);
