-- logout_terminate_each_expired, declared in src/domain/logout/termination/session-expiry.sweeper.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   now timestamptz
--   terminationIds uuid[]
--   initiator jsonb
--   claimedUntil timestamptz
--   revokesOfflineGrants boolean
--   idleSince timestamptz
-- row:
--   cause text
--   sessions int
--   grants_revoked int
--   deliveries int

WITH locked AS MATERIALIZED (
   SELECT s.id, s.account_id, s.client_count, CASE WHEN s.expires_at <= :now THEN 'session_expired' ELSE 'session_idle' END AS cause
     FROM sessions s
    WHERE s.terminated_at IS NULL AND s.idle_expires_at <= :now AND (s.expires_at <= :now OR s.idle_expires_at <= :idleSince)
AND NOT (EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY['everyone', 'account:' || s.account_id]) AND o.number > s.began_after_order AND o.state <> 'done') OR EXISTS (
  SELECT 1 FROM session_upstreams ou JOIN logout_orders o
      ON o.target = 'upstream:' || ou.upstream_id AND o.number > ou.began_after_order
   WHERE ou.account_id = s.account_id AND ou.session_id = s.id AND o.state <> 'done'))
    ORDER BY s.idle_expires_at LIMIT cardinality(:terminationIds) FOR NO KEY UPDATE OF s SKIP LOCKED
 ),
 ending AS MATERIALIZED (
   -- The ids are given, since those of terminations are in the order of time.
   SELECT l.id, l.account_id, l.cause, (:terminationIds)[row_number() OVER (ORDER BY l.id)] AS termination_id
     FROM locked l
    WHERE EXISTS (SELECT 1 FROM (
  SELECT k.client_count FROM sessions k
   WHERE k.account_id = l.account_id AND k.id = l.id OFFSET 0) seen
 WHERE seen.client_count = l.client_count)
 ),
 ended AS (
   UPDATE sessions s SET terminated_at = :now, termination_id = x.termination_id FROM ending x
    WHERE true AND s.account_id = x.account_id AND s.id = x.id RETURNING s.id
 ),
 revoked AS (
   UPDATE grants g SET revoked_at = :now, revoked_cause = (SELECT e.cause FROM ending e WHERE e.account_id = g.account_id AND e.id = g.session_id)
    WHERE g.revoked_at IS NULL AND ((g.account_id, g.session_id) IN (SELECT account_id, id FROM ending) AND (NOT g.offline OR :revokesOfflineGrants)) RETURNING g.account_id, g.id, g.session_id, g.client_id
 ),
 participants AS MATERIALIZED (
   SELECT e.termination_id, e.account_id, e.cause, sc.client_id, sc.sid, CASE WHEN c.deleted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = 'client:' || c.client_id
  AND o.cause = 'client_deleted' AND o.phase <> 'notices' AND o.state <> 'done') THEN 'client_deleted'
WHEN coalesce(false, false) THEN 'is_the_sender'
WHEN c.metadata ->> 'backchannel_logout_uri' IS NOT NULL
AND (c.metadata -> 'backchannel_logout_causes' IS NULL OR c.metadata -> 'backchannel_logout_causes' ? e.cause) THEN 'back_channel'
WHEN c.metadata ->> 'frontchannel_logout_uri' IS NOT NULL AND coalesce(false, false) THEN 'front_channel'
WHEN c.metadata ->> 'backchannel_logout_uri' IS NOT NULL THEN 'cause_not_wanted'
WHEN c.metadata ->> 'frontchannel_logout_uri' IS NOT NULL THEN 'browser_absent'
ELSE 'no_backchannel_uri' END AS told
     FROM ending e JOIN session_clients sc ON sc.account_id = e.account_id AND sc.session_id = e.id JOIN clients c ON c.client_id = sc.client_id
    WHERE true
 ),
 pending AS MATERIALIZED (
   SELECT p.termination_id, p.account_id, p.cause, p.client_id, p.sid,
          row_number() OVER (PARTITION BY p.client_id ORDER BY p.termination_id) AS place
     FROM participants p WHERE p.told = 'back_channel'
 ),
 notices AS (
   INSERT INTO logout_deliveries (id, termination_id, client_id, account_id, bucket, cause, sub, sid, state, attempts, next_attempt_at,
                                  created_at, order_id, ages_from, traceparent)
   SELECT (substr(o.termination_id::text, 1, 15) || substr(gen_random_uuid()::text, 16))::uuid, o.termination_id, o.client_id,
          o.account_id, get_byte(uuid_send(o.account_id), 15) & 15, o.cause, o.account_id::text, o.sid, 'pending', 0, :claimedUntil, :now,
          NULL::uuid, NULL::timestamptz, NULL::text
     FROM pending o
   RETURNING id, termination_id, client_id, sub, sid
 ),
 record AS (
   INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, without_notice, occurred_at)
   SELECT e.termination_id, e.cause, :initiator, e.account_id, 1, coalesce(r.n, 0), coalesce(d.n, 0),
          coalesce(w.list, '[]'), :now
     FROM ending e
     LEFT JOIN (SELECT session_id, count(*) AS n FROM revoked GROUP BY session_id) r ON r.session_id = e.id
     LEFT JOIN (SELECT termination_id, count(*) AS n FROM notices GROUP BY termination_id) d ON d.termination_id = e.termination_id
     LEFT JOIN (SELECT w.termination_id, jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
     'client_id', w.client_id, 'state', CASE WHEN w.told = 'front_channel' THEN 'asked' ELSE 'not_told' END,
     'reason', CASE WHEN w.told <> 'front_channel' THEN w.told END, 'sessions', w.sessions)) ORDER BY w.client_id, w.told) AS list
   FROM (SELECT x.termination_id, x.client_id, x.told, 1 AS sessions FROM participants x WHERE x.told <> 'back_channel') w
  GROUP BY w.termination_id) w ON w.termination_id = e.termination_id
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
 SELECT cause, count(*)::int AS sessions, sum(grants_revoked)::int AS grants_revoked, sum(deliveries)::int AS deliveries
   FROM record GROUP BY cause;
