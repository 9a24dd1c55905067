-- sessions_list_of_account, declared in src/domain/sessions/session-list.ts
-- parameters:
--   accountId uuid
--   clientId text, may be null
--   includeEnded boolean
--   now timestamptz
--   cursor uuid, may be null
--   limit int
-- row:
--   id uuid
--   account_id uuid
--   authenticated_at timestamptz
--   amr text[]
--   created_at timestamptz
--   last_seen_at timestamptz
--   expires_at timestamptz
--   address text, may be null
--   user_agent text, may be null
--   terminated_at timestamptz, may be null
--   termination_id uuid, may be null
--   clients json, may be null

SELECT s.id, s.account_id, coalesce(s.upstream_auth_time, s.authenticated_at) AS authenticated_at,
       s.amr, s.created_at, s.last_seen_at, s.expires_at, s.address, s.user_agent, s.terminated_at, s.termination_id, c.clients
  -- By the key alone, and in its order: an index of all live sessions looks as good where nothing was analyzed.
  FROM (SELECT k.* FROM sessions k WHERE k.account_id = :accountId AND k.id < coalesce(:cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff') ORDER BY k.id DESC OFFSET 0) s LEFT JOIN LATERAL (
    SELECT json_agg(json_build_object('clientId', sc.client_id, 'sid', sc.sid, 'joinedAt', sc.joined_at) ORDER BY sc.joined_at) AS clients
      FROM session_clients sc WHERE sc.account_id = :accountId AND sc.session_id = s.id
  ) c ON true
 WHERE (:clientId IS NULL OR EXISTS (
         SELECT 1 FROM session_clients x WHERE x.account_id = :accountId AND x.session_id = s.id AND x.client_id = :clientId))
   AND (:includeEnded OR (s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND true) AND NOT EXISTS (
  SELECT 1 FROM session_upstreams ou JOIN logout_orders o
      ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
   WHERE ou.account_id = :accountId AND ou.session_id = s.id AND true)))
 ORDER BY s.id DESC LIMIT :limit;
