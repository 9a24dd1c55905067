-- issued_tokens_invalidate_refresh_token, declared in src/domain/tokens/issued-token.repository.ts
-- parameters:
--   tokenHash bytea
--   clientId text
--   now timestamptz
-- row:
--   grant_id uuid

UPDATE refresh_tokens r SET consumed_at = :now
    FROM grants g CROSS JOIN LATERAL (SELECT * FROM clients k WHERE k.client_id = g.client_id OFFSET 0) c
CROSS JOIN LATERAL (SELECT * FROM accounts k WHERE k.id = g.account_id OFFSET 0) a
 LEFT JOIN LATERAL (SELECT * FROM sessions k WHERE k.id = g.session_id OFFSET 0) s ON true
   WHERE g.id = (SELECT p.grant_id FROM refresh_tokens p WHERE p.token_hash = :tokenHash) AND c.client_id = :clientId
     AND r.token_hash = :tokenHash AND r.consumed_at IS NULL AND r.expires_at > :now AND g.revoked_at IS NULL AND a.disabled_at IS NULL AND (a.not_before IS NULL OR g.created_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || g.account_id, 'client:' || g.client_id, CASE WHEN g.offline THEN 'client-offline:' || g.client_id END, 'upstream:' || g.upstream_id]) AND o.number > g.began_after_order AND true) AND (g.offline OR (s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND a.disabled_at IS NULL AND (a.not_before IS NULL OR s.authenticated_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND true) AND NOT EXISTS (
    SELECT 1 FROM session_upstreams ou JOIN logout_orders o
        ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
     WHERE ou.session_id = s.id AND true)))
  RETURNING r.grant_id;
