-- logout_terminate_account, declared in src/domain/logout/termination/terminate.sql.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   now timestamptz
--   terminationId uuid
--   cause text
--   revokesOfflineGrants boolean
--   claimedUntil timestamptz
--   initiator jsonb
--   senderClientId text, may be null
--   browserSessionId uuid, may be null
--   traceparent text, may be null
--   accountId uuid
--   exceptSessionId uuid, may be null
-- row:
--   complete boolean
--   sessions int
--   grants_revoked int
--   departed int
--   deliveries json
--   without_notice jsonb
--   front_channel json

WITH locked AS MATERIALIZED (
   SELECT s.id, s.account_id, s.client_count FROM sessions s WHERE s.account_id = :accountId AND s.id IS DISTINCT FROM :exceptSessionId AND s.terminated_at IS NULL ORDER BY s.account_id, s.id FOR NO KEY UPDATE OF s
 ),
 joined AS MATERIALIZED (
   SELECT sc.client_id, sc.sid, l.id AS session_id, l.account_id FROM locked l JOIN session_clients sc ON sc.account_id = l.account_id AND sc.session_id = l.id
    WHERE sc.account_id = :accountId AND sc.session_id = ANY(ARRAY(SELECT x.id FROM locked x))
 ),
 complete AS MATERIALIZED (
   SELECT NOT EXISTS (SELECT 1 FROM locked l WHERE NOT EXISTS (SELECT 1 FROM (
  SELECT k.client_count FROM sessions k
   WHERE k.account_id = :accountId AND k.id = l.id OFFSET 0) seen
 WHERE seen.client_count = l.client_count)) AS yes
 ),
 ending AS (
   SELECT l.id, l.account_id, :terminationId AS termination_id FROM locked l, complete c WHERE c.yes AND true
 ),
 ended AS (
   UPDATE sessions s SET terminated_at = :now, termination_id = x.termination_id FROM ending x
    WHERE s.account_id = :accountId AND s.id = ANY(ARRAY(SELECT x.id FROM ending x)) AND s.account_id = x.account_id AND s.id = x.id RETURNING s.id
 ),
 revoked AS (
   UPDATE grants g SET revoked_at = :now, revoked_cause = :cause
    WHERE g.revoked_at IS NULL AND ((SELECT yes FROM complete) AND g.account_id = :accountId AND (:exceptSessionId IS NULL OR g.session_id IS DISTINCT FROM :exceptSessionId) AND (NOT g.offline OR :revokesOfflineGrants)) RETURNING g.account_id, g.id, g.session_id, g.client_id
 ),
 participants AS MATERIALIZED (
   SELECT p.session_id, p.client_id, p.sid, p.account_id,
          CASE WHEN c.deleted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = 'client:' || c.client_id
  AND o.cause = 'client_deleted' AND o.phase <> 'notices' AND o.state <> 'done') THEN 'client_deleted'
WHEN coalesce(p.client_id = :senderClientId, false) THEN 'is_the_sender'
WHEN c.metadata ->> 'backchannel_logout_uri' IS NOT NULL
AND (c.metadata -> 'backchannel_logout_causes' IS NULL OR c.metadata -> 'backchannel_logout_causes' ? :cause) THEN 'back_channel'
WHEN c.metadata ->> 'frontchannel_logout_uri' IS NOT NULL AND coalesce(p.session_id = :browserSessionId, false) THEN 'front_channel'
WHEN c.metadata ->> 'backchannel_logout_uri' IS NOT NULL THEN 'cause_not_wanted'
WHEN c.metadata ->> 'frontchannel_logout_uri' IS NOT NULL THEN 'browser_absent'
ELSE 'no_backchannel_uri' END AS told
     FROM joined p JOIN clients c ON c.client_id = p.client_id
 ),
 notices AS (
   INSERT INTO logout_deliveries (id, termination_id, client_id, account_id, bucket, cause, sub, sid, state, attempts, next_attempt_at,
                                  created_at, order_id, ages_from, traceparent)
   SELECT (substr(p.termination_id::text, 1, 15) || substr(gen_random_uuid()::text, 16))::uuid, p.termination_id, p.client_id,
          p.account_id, get_byte(uuid_send(p.account_id), 15) & 15, :cause, p.account_id::text, p.sid, 'pending', 0, :claimedUntil, :now,
          NULL::uuid, NULL::timestamptz, :traceparent
     FROM (SELECT :terminationId AS termination_id, x.account_id, x.client_id, x.sid FROM participants x, complete
           WHERE complete.yes AND x.told = 'back_channel') p
   RETURNING id, termination_id, client_id, sub, sid
 ),
 record AS (
   INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, without_notice, occurred_at)
   SELECT :terminationId, :cause, :initiator,
          -- One person's, or no single person's.
          (SELECT CASE WHEN count(DISTINCT x.account_id) = 1 THEN min(x.account_id::text)::uuid END
             FROM (SELECT account_id FROM ending UNION ALL SELECT account_id FROM participants
                   UNION ALL SELECT account_id FROM revoked) x),
          (SELECT count(*) FROM ended), (SELECT count(*) FROM revoked), (SELECT count(*) FROM notices), (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
     'client_id', w.client_id, 'state', CASE WHEN w.told = 'front_channel' THEN 'asked' ELSE 'not_told' END,
     'reason', CASE WHEN w.told <> 'front_channel' THEN w.told END, 'sessions', w.sessions)) ORDER BY w.client_id, w.told), '[]')
   FROM (SELECT x.client_id, x.told, count(*)::int AS sessions FROM participants x WHERE x.told <> 'back_channel' GROUP BY x.client_id, x.told) w), :now
    WHERE EXISTS (SELECT 1 FROM ended) OR EXISTS (SELECT 1 FROM revoked) OR EXISTS (SELECT 1 FROM notices)
   RETURNING *
 ),
 owed AS (
   INSERT INTO logout_receipts_owed (termination_id, since) SELECT r.id, r.occurred_at FROM record r
 ),
 audited AS (
   INSERT INTO audit_events (id, at, event, outcome, details)
   SELECT x.id, x.at, 'session_termination', 'done', x.details FROM (SELECT r.id, r.occurred_at AS at,
        jsonb_build_object('termination_id', r.id, 'cause', r.cause, 'initiator', r.initiator ->> 'kind',
                           'sessions', r.sessions, 'grants_revoked', r.grants_revoked, 'deliveries', r.deliveries) AS details
   FROM record r) x
 )
 SELECT (SELECT yes FROM complete) AS complete,
        (SELECT count(*)::int FROM ended) AS sessions,
        (SELECT count(*)::int FROM revoked) AS grants_revoked,
        0 AS departed,
        (SELECT coalesce(json_agg(json_build_object('id', id, 'clientId', client_id, 'sub', sub, 'sid', sid)), '[]') FROM notices) AS deliveries,
        coalesce((SELECT without_notice FROM record), '[]') AS without_notice,
        (
   SELECT coalesce(json_agg(json_build_object('sessionId', p.session_id, 'clientId', p.client_id, 'sid', p.sid) ORDER BY p.client_id), '[]')
     FROM participants p JOIN clients c ON c.client_id = p.client_id
    WHERE p.session_id = :browserSessionId AND c.deleted_at IS NULL AND c.metadata ->> 'frontchannel_logout_uri' IS NOT NULL) AS front_channel;
