-- logout_preview_session-client, declared in src/domain/logout/insight/logout-preview.sql.ts
-- parameters:
--   cause text
--   revokesOfflineGrants boolean
--   senderClientId text, may be null
--   browserSessionId uuid, may be null
--   listLimit int
--   countLimit int
--   accountId uuid
--   sessionId uuid
--   clientId text
-- row:
--   sessions int
--   grants_revoked int
--   deliveries int
--   asked int
--   not_told int
--   more boolean
--   session_list json
--   grant_list json
--   application_list json

WITH
 locked AS MATERIALIZED (SELECT s.id, s.account_id FROM sessions s WHERE s.account_id = :accountId AND s.id = :sessionId AND s.terminated_at IS NULL LIMIT :countLimit + 1),
 revoked AS MATERIALIZED (SELECT g.* FROM grants g WHERE g.revoked_at IS NULL AND (g.account_id = :accountId AND g.session_id = ANY(ARRAY(SELECT id FROM locked)) AND (NOT g.offline OR :revokesOfflineGrants) AND g.client_id = :clientId) LIMIT :countLimit + 1),
 applications AS MATERIALIZED (
   SELECT p.client_id, p.session_id, p.sid,
          c.metadata ->> 'frontchannel_logout_uri' IS NOT NULL AS front,
          CASE WHEN NOT (p.client_id = :clientId) THEN 'session_goes_on'
               ELSE coalesce('{"back_channel": "will_be_notified", "front_channel": "will_be_asked"}'::jsonb ->> told.how, told.how) END AS reason
     FROM locked l
    CROSS JOIN LATERAL (SELECT x.* FROM session_clients x WHERE x.account_id = :accountId AND x.session_id = l.id OFFSET 0) p
     JOIN clients c ON c.client_id = p.client_id
    CROSS JOIN LATERAL (SELECT CASE WHEN c.deleted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = 'client:' || c.client_id
  AND o.cause = 'client_deleted' AND o.phase <> 'notices' AND o.state <> 'done') THEN 'client_deleted'
WHEN coalesce(p.client_id = :senderClientId, false) THEN 'is_the_sender'
WHEN c.metadata ->> 'backchannel_logout_uri' IS NOT NULL
AND (c.metadata -> 'backchannel_logout_causes' IS NULL OR c.metadata -> 'backchannel_logout_causes' ? :cause) THEN 'back_channel'
WHEN c.metadata ->> 'frontchannel_logout_uri' IS NOT NULL AND coalesce(p.session_id = :browserSessionId, false) THEN 'front_channel'
WHEN c.metadata ->> 'backchannel_logout_uri' IS NOT NULL THEN 'cause_not_wanted'
WHEN c.metadata ->> 'frontchannel_logout_uri' IS NOT NULL THEN 'browser_absent'
ELSE 'no_backchannel_uri' END AS how) told
    LIMIT :countLimit + 1
 ),
 kept AS MATERIALIZED (
   SELECT g.* FROM (SELECT x.* FROM (SELECT account_id, id FROM locked ORDER BY id LIMIT 10000) l
         CROSS JOIN LATERAL (SELECT x.* FROM grants x WHERE x.account_id = :accountId AND x.session_id = l.id OFFSET 0) x) g
    WHERE g.revoked_at IS NULL AND ((g.session_id, g.client_id) IN (SELECT session_id, client_id FROM applications WHERE reason <> 'session_goes_on')) IS TRUE AND g.id NOT IN (SELECT id FROM revoked) LIMIT :countLimit + 1
 ),
 session_list AS (
   SELECT l.id AS "sessionId", l.account_id AS "accountId", 'session_goes_on' AS reason FROM locked l
    ORDER BY 1 LIMIT :listLimit
 ),
 grant_list AS (
   SELECT g.id AS "grantId", g.client_id AS "clientId", g.account_id AS "accountId", g.session_id AS "sessionId", g.reason
     FROM (SELECT r.id, r.client_id, r.account_id, r.session_id, 'grant_revoked' AS reason FROM revoked r
            UNION ALL
           SELECT k.id, k.client_id, k.account_id, k.session_id, CASE WHEN k.offline THEN 'grant_offline_kept' ELSE 'grant_kept' END FROM kept k
           ) g
    ORDER BY 1 LIMIT :listLimit
 ),
 application_list AS (
   SELECT a.client_id AS "clientId", a.session_id AS "sessionId", a.sid, a.reason,
          CASE WHEN a.reason IN ('will_be_notified', 'will_be_asked')
               THEN array_remove(ARRAY[CASE WHEN a.reason = 'will_be_notified' THEN 'back' END, CASE WHEN a.front AND a.session_id = :browserSessionId THEN 'front' END], NULL)
               ELSE '{}'::text[] END AS channels
     FROM applications a ORDER BY 2, 1 LIMIT :listLimit
 )
 SELECT least((SELECT count(*)::int FROM locked WHERE false), :countLimit) AS sessions,
        least((SELECT count(*)::int FROM revoked), :countLimit) AS grants_revoked,
        least((SELECT count(*)::int FROM applications WHERE reason = 'will_be_notified'), :countLimit) AS deliveries,
        least((SELECT count(*)::int FROM applications WHERE reason = 'will_be_asked'), :countLimit) AS asked,
        least((SELECT count(*)::int FROM applications WHERE reason NOT IN ('will_be_notified', 'will_be_asked', 'session_goes_on')), :countLimit) AS not_told,
        greatest((SELECT count(*) FROM locked), (SELECT count(*) FROM revoked), (SELECT count(*) FROM applications)) > :countLimit OR false AS more,
        (SELECT coalesce(json_agg(x), '[]') FROM session_list x) AS session_list,
        (SELECT coalesce(json_agg(x), '[]') FROM grant_list x) AS grant_list,
        (SELECT coalesce(json_agg(x), '[]') FROM application_list x) AS application_list;
