-- logout_orders_apply_client, declared in src/domain/logout/orders/order-batch.sql.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   number bigint
--   targetId text
--   accountIds uuid[]
--   sessionIds uuid[]
--   terminationIds uuid[]
--   now timestamptz
--   orderId uuid
--   initiator jsonb
--   seconds float8
--   cursor text, may be null
--   cause text

WITH ending AS MATERIALIZED (
   SELECT s.id, s.account_id, :cause AS cause, x.termination_id
     FROM unnest((SELECT :accountIds), (SELECT :sessionIds), (SELECT :terminationIds)) AS x(account_id, id, termination_id)
     JOIN sessions s ON s.account_id = x.account_id AND s.id = x.id
 ),
 revoked AS (
   UPDATE grants g SET revoked_at = :now, revoked_cause = (SELECT e.cause FROM ending e WHERE e.account_id = g.account_id AND e.id = g.session_id)
    WHERE g.revoked_at IS NULL AND ((g.account_id, g.session_id) IN (SELECT account_id, id FROM ending) AND g.began_after_order < :number AND g.client_id IS NOT DISTINCT FROM :targetId) RETURNING g.account_id, g.id, g.session_id, g.client_id
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
    WHERE sc.client_id IS NOT DISTINCT FROM :targetId
 ),
 pending AS MATERIALIZED (
   SELECT p.termination_id, p.account_id, p.cause, p.client_id, p.sid,
          row_number() OVER (PARTITION BY p.client_id ORDER BY p.termination_id) AS place
     FROM participants p WHERE p.told = 'back_channel'
 ),
 paced AS (
   INSERT INTO logout_order_applications AS p (order_id, client_id, deliveries, next_at)
   SELECT :orderId, client_id, count(*), :now + make_interval(secs => count(*) * :seconds)
     FROM pending GROUP BY client_id
   ON CONFLICT (order_id, client_id) DO UPDATE
     SET deliveries = p.deliveries + excluded.deliveries, next_at = greatest(p.next_at, :now) + (excluded.next_at - :now)
   RETURNING client_id, next_at, (SELECT count(*) FROM pending x WHERE x.client_id = p.client_id) AS many
 ),
 notices AS (
   INSERT INTO logout_deliveries (id, termination_id, client_id, account_id, bucket, cause, sub, sid, state, attempts, next_attempt_at,
                                  created_at, order_id, ages_from, traceparent)
   SELECT (substr(o.termination_id::text, 1, 15) || substr(gen_random_uuid()::text, 16))::uuid, o.termination_id, o.client_id,
          o.account_id, get_byte(uuid_send(o.account_id), 15) & 15, o.cause, o.account_id::text, o.sid, 'pending', 0, p.next_at - make_interval(secs => (p.many - o.place + 1) * :seconds), :now,
          :orderId, p.next_at - make_interval(secs => (p.many - o.place + 1) * :seconds), NULL::text
     FROM pending o JOIN paced p ON p.client_id = o.client_id
   RETURNING id, termination_id, client_id, sub, sid
 ),
 record AS (
   INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, without_notice, occurred_at)
   SELECT e.termination_id, e.cause, :initiator, e.account_id, 0, coalesce(r.n, 0), coalesce(d.n, 0),
          coalesce(w.list, '[]'), :now
     FROM ending e
     LEFT JOIN (SELECT session_id, count(*) AS n FROM revoked GROUP BY session_id) r ON r.session_id = e.id
     LEFT JOIN (SELECT termination_id, count(*) AS n FROM notices GROUP BY termination_id) d ON d.termination_id = e.termination_id
     LEFT JOIN (SELECT w.termination_id, jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
     'client_id', w.client_id, 'state', CASE WHEN w.told = 'front_channel' THEN 'asked' ELSE 'not_told' END,
     'reason', CASE WHEN w.told <> 'front_channel' THEN w.told END, 'sessions', w.sessions)) ORDER BY w.client_id, w.told) AS list
   FROM (SELECT x.termination_id, x.client_id, x.told, 1 AS sessions FROM participants x WHERE x.told <> 'back_channel') w
  GROUP BY w.termination_id) w ON w.termination_id = e.termination_id
    WHERE r.n > 0 OR d.n > 0
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
 ),
 dealt_with AS (
   UPDATE session_clients sc SET began_after_order = :number WHERE (sc.account_id, sc.session_id) IN (SELECT account_id, id FROM ending) AND sc.client_id IS NOT DISTINCT FROM :targetId
 ),
 batch AS (
   SELECT (SELECT count(*) FROM ending) AS sessions, (SELECT count(*) FROM revoked) AS grants, (SELECT count(*) FROM pending) AS notices,
          (SELECT max(next_at) FROM paced) AS last_notice_at
 )
 UPDATE logout_orders o SET state = 'running', cursor = :cursor, done = o.done + b.sessions, total = greatest(o.total, o.done + b.sessions),
        grants_revoked = o.grants_revoked + b.grants, deliveries = o.deliveries + b.notices,
        last_notice_at = greatest(o.last_notice_at, b.last_notice_at), next_step_at = :now
   FROM batch b WHERE o.id = :orderId;
