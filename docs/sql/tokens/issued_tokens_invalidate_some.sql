-- issued_tokens_invalidate_some, declared in src/domain/tokens/issued-token.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   clientId text
--   afterAccount uuid
--   afterGrant uuid
--   ofOneUpstream boolean
--   upstream text, may be null
--   login text, may be null
--   look int
--   now timestamptz
-- row:
--   revoked int
--   account_id uuid, may be null
--   grant_id uuid, may be null

WITH looked AS MATERIALIZED (
    SELECT g.account_id, g.id FROM grants g
     WHERE g.client_id = :clientId AND (g.account_id, g.id) > (:afterAccount, :afterGrant)
       AND g.account_id >= CASE WHEN :login IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE (SELECT k.id FROM accounts k WHERE k.login = :login) END AND g.account_id <= CASE WHEN :login IS NULL THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff' ELSE (SELECT k.id FROM accounts k WHERE k.login = :login) END
     ORDER BY g.account_id, g.id LIMIT (SELECT :look)
  ), ended AS MATERIALIZED (
    SELECT g.account_id, g.id
      FROM looked CROSS JOIN LATERAL (SELECT * FROM grants k WHERE k.account_id = looked.account_id AND k.id = looked.id OFFSET 0) g
           CROSS JOIN LATERAL (SELECT * FROM clients k WHERE k.client_id = g.client_id OFFSET 0) c CROSS JOIN LATERAL (SELECT * FROM accounts k WHERE k.id = g.account_id OFFSET 0) a
     WHERE g.revoked_at IS NULL AND a.disabled_at IS NULL AND (a.not_before IS NULL OR g.created_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || g.account_id, 'client:' || g.client_id, CASE WHEN g.offline THEN 'client-offline:' || g.client_id END, 'upstream:' || g.upstream_id]) AND o.number > g.began_after_order AND true)
       AND (g.offline OR EXISTS (SELECT 1 FROM (SELECT * FROM sessions k WHERE k.account_id = g.account_id AND k.id = g.session_id OFFSET 0) s WHERE s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND a.disabled_at IS NULL AND (a.not_before IS NULL OR s.authenticated_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND true) AND NOT EXISTS (
    SELECT 1 FROM session_upstreams ou JOIN logout_orders o
        ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
     WHERE ou.account_id = g.account_id AND ou.session_id = s.id AND true)))
       AND (NOT :ofOneUpstream OR g.realm IS NOT DISTINCT FROM :upstream)
       AND (g.refresh_expires_at > :now OR g.refresh_root_hash IS NULL AND EXISTS (
SELECT 1 FROM old_refresh_tokens o WHERE o.grant_id = g.id AND o.consumed_at IS NULL AND o.expires_at > :now))
  ),
   revoked AS (
     UPDATE grants g SET revoked_at = :now, revoked_cause = 'token_revoked'
      WHERE g.revoked_at IS NULL AND ((g.account_id, g.id) IN (SELECT ended.account_id, ended.id FROM ended)) RETURNING g.account_id, g.id, g.session_id, g.client_id
   ),
  last AS (SELECT l.account_id, l.id FROM looked l ORDER BY l.account_id DESC, l.id DESC LIMIT 1)
  SELECT (SELECT count(*) FROM revoked)::int AS revoked, last.account_id, last.id AS grant_id
    FROM (SELECT count(*) AS n FROM looked) looked LEFT JOIN last ON looked.n = :look;
