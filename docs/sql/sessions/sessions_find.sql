-- sessions_find, declared in src/domain/sessions/session-list.ts
-- parameters:
--   id uuid
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
       s.amr, s.created_at, s.last_seen_at, s.expires_at, s.address, s.user_agent, s.terminated_at, s.termination_id, c.clients FROM sessions s LEFT JOIN LATERAL (
    SELECT json_agg(json_build_object('clientId', sc.client_id, 'sid', sc.sid, 'joinedAt', sc.joined_at) ORDER BY sc.joined_at) AS clients
      FROM session_clients sc WHERE sc.account_id = s.account_id AND sc.session_id = s.id
  ) c ON true
 WHERE s.id = :id;
