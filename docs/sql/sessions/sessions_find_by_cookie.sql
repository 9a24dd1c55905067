-- sessions_find_by_cookie, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   accountId uuid
--   cookieHash bytea
--   now timestamptz
--   clientId text, may be null
--   cause text, may be null
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
--   login text
--   claims jsonb
--   client_count int
--   upstream_id uuid, may be null
--   serves boolean
--   applications json, may be null

SELECT s.id, s.account_id, coalesce(s.upstream_auth_time, s.authenticated_at) AS authenticated_at,
       s.amr, s.created_at, s.last_seen_at, s.expires_at, s.address, s.user_agent, s.terminated_at, s.termination_id, a.login, a.claims,
       (SELECT count(*)::int FROM session_clients c WHERE c.account_id = :accountId AND c.session_id = s.id) AS client_count,
       (SELECT u.upstream_id FROM session_upstreams u WHERE u.account_id = :accountId AND u.session_id = s.id ORDER BY u.authenticated_at DESC LIMIT 1) AS upstream_id,
       (s.own_sign_in_at IS NOT NULL OR EXISTS (
SELECT 1 FROM session_upstreams way JOIN upstreams vouching ON vouching.id = way.upstream_id
 WHERE way.account_id = :accountId AND way.session_id = s.id AND (coalesce(jsonb_typeof(vouching.configuration -> 'clients'), 'null') = 'null' OR vouching.configuration -> 'clients' ? :clientId)
OFFSET 0)) AS serves,
       CASE WHEN :cause IS NOT NULL THEN (
         SELECT json_agg(json_build_object('clientId', c.client_id, 'name', c.metadata ->> 'client_name', 'uri', c.metadata ->> 'client_uri',
                                           'told', CASE WHEN c.deleted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = 'client:' || c.client_id
  AND o.cause = 'client_deleted' AND o.phase <> 'notices' AND o.state <> 'done') THEN 'client_deleted'
WHEN coalesce(false, false) THEN 'is_the_sender'
WHEN c.metadata ->> 'backchannel_logout_uri' IS NOT NULL
AND (c.metadata -> 'backchannel_logout_causes' IS NULL OR c.metadata -> 'backchannel_logout_causes' ? :cause) THEN 'back_channel'
WHEN c.metadata ->> 'frontchannel_logout_uri' IS NOT NULL AND coalesce(true, false) THEN 'front_channel'
WHEN c.metadata ->> 'backchannel_logout_uri' IS NOT NULL THEN 'cause_not_wanted'
WHEN c.metadata ->> 'frontchannel_logout_uri' IS NOT NULL THEN 'browser_absent'
ELSE 'no_backchannel_uri' END, 'frontchannel_logout_uri', c.metadata ->> 'frontchannel_logout_uri',
                                           'redirect_uris', c.metadata -> 'redirect_uris') ORDER BY c.client_id)
           FROM session_clients sc JOIN clients c ON c.client_id = sc.client_id
          WHERE sc.account_id = :accountId AND sc.session_id = s.id
       ) END AS applications
  -- Each by its key alone: on tables that were never analyzed an index of all live sessions looks as good.
  FROM (SELECT * FROM sessions k WHERE k.account_id = :accountId AND k.cookie_hash = :cookieHash OFFSET 0) s CROSS JOIN (SELECT * FROM accounts k WHERE k.id = :accountId OFFSET 0) a
 WHERE s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND a.disabled_at IS NULL AND (a.not_before IS NULL OR s.authenticated_at >= a.not_before) AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND true) AND NOT EXISTS (
  SELECT 1 FROM session_upstreams ou JOIN logout_orders o
      ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
   WHERE ou.account_id = :accountId AND ou.session_id = s.id AND true);
