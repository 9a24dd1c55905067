import { statement, typed } from '../../../platform/database/statement.js';
import type { TerminationCause } from '../command/logout.js';
import { AGES_FROM } from './deliveries.sql.js';
import { anyOf, limitAlongIndex, listed } from '../../../platform/database/sql-text.js';

/**
 * Gives the node shares of the pending notices in which something is due and that no other node has, the one first that
 * was looked at longest ago; none of those that it has `looked` at already. `busy`: something is due in others besides. `pairs` hops over the index from one application and share to the next, so what
 * waits costs nothing here however much it is.
 */
export const LEASE = statement({
  name: 'logout_deliveries_lease',
  parameters: { node: 'uuid', now: 'timestamptz', until: 'timestamptz', looked: 'int[]', limit: 'int' },
  row: { buckets: 'int[]', busy: 'boolean' },
  text: `
   WITH RECURSIVE pairs AS (
     (SELECT d.client_id, d.bucket FROM logout_deliveries d WHERE d.state = 'pending' ORDER BY d.client_id, d.bucket LIMIT 1)
      UNION ALL
     SELECT next.client_id, next.bucket
       FROM pairs p CROSS JOIN LATERAL (
         SELECT d.client_id, d.bucket FROM logout_deliveries d
          WHERE d.state = 'pending' AND (d.client_id, d.bucket) > (p.client_id, p.bucket) ORDER BY d.client_id, d.bucket LIMIT 1
       ) next
   ), due AS MATERIALIZED (
     SELECT DISTINCT p.bucket FROM pairs p CROSS JOIN LATERAL (
       SELECT d.next_attempt_at FROM logout_deliveries d
        WHERE d.state = 'pending' AND d.client_id = p.client_id AND d.bucket = p.bucket ORDER BY d.next_attempt_at LIMIT 1
     ) oldest WHERE oldest.next_attempt_at <= :now
   ), mine AS MATERIALIZED (
     SELECT b.bucket FROM logout_delivery_buckets b
      WHERE b.bucket IN (SELECT bucket FROM due) AND b.bucket <> ALL(:looked) AND (b.leased_by = :node OR b.leased_until <= :now)
      ORDER BY b.leased_until, b.bucket LIMIT :limit FOR UPDATE SKIP LOCKED
   ), leased AS (
     UPDATE logout_delivery_buckets b SET leased_by = :node, leased_until = :until FROM mine WHERE b.bucket = mine.bucket
     RETURNING b.bucket
   )
   SELECT ARRAY(SELECT l.bucket FROM leased l) AS buckets,
          EXISTS (SELECT 1 FROM due d WHERE d.bucket <> ALL(:looked) AND d.bucket NOT IN (SELECT m.bucket FROM mine m)) AS busy`,
});

/**
 * Claims notices in the shares that the node has leased, and gives these back. The claim is a lease, too:
 * `next_attempt_at` moves on, so a node that dies with it loses it by itself. Where a lease has lapsed meanwhile, two
 * nodes may look at the same notices: the one that comes second finds each of them moved on, and takes none of them.
 *
 * Each application gets its own share and no more, so the cost does not grow with the notices of one: `waiting` hops
 * over the index from one application to the next, and a lateral join reads as many rows of each as it may have, from the
 * share on that has the oldest. Where
 * a breaker is open the share is one, for the node that locks the breaker's row first once its pause is over.
 *
 * Exported for the test that has Postgres explain it.
 */
export const CLAIM = statement({
  name: 'logout_deliveries_claim',
  parameters: {
    now: 'timestamptz',
    claimedUntil: 'timestamptz',
    limit: 'int',
    perClient: 'int',
    underWayClients: 'text[]',
    underWayCounts: 'int[]',
    node: 'uuid',
    buckets: 'int[]',
  },
  row: {
    id: 'uuid',
    termination_id: 'uuid',
    client_id: 'text',
    sub: 'text',
    sid: 'text?',
    attempts: 'int',
    created_at: 'timestamptz',
    ages_from: 'timestamptz',
    probe: 'boolean',
    cause: typed<TerminationCause>('text'),
    traceparent: 'text?',
  },
  text: `
   WITH RECURSIVE waiting AS (
     (SELECT d.client_id FROM logout_deliveries d WHERE d.state = 'pending' ORDER BY d.client_id LIMIT 1)
      UNION ALL
     SELECT (SELECT d.client_id FROM logout_deliveries d WHERE d.state = 'pending' AND d.client_id > w.client_id ORDER BY d.client_id LIMIT 1)
       FROM waiting w WHERE w.client_id IS NOT NULL
   ), heads AS MATERIALIZED (
     SELECT w.client_id, b.bucket, oldest.next_attempt_at
       FROM waiting w CROSS JOIN ${listed(':buckets')} AS b(bucket) CROSS JOIN LATERAL (
         SELECT d.next_attempt_at FROM logout_deliveries d
          WHERE d.state = 'pending' AND d.client_id = w.client_id AND d.bucket = b.bucket AND d.next_attempt_at <= :now
          ORDER BY d.next_attempt_at LIMIT 1
       ) oldest
   ), applications AS MATERIALIZED (
     SELECT h.client_id, min(h.next_attempt_at) AS next_attempt_at FROM heads h GROUP BY h.client_id
   ), probed AS MATERIALIZED (
     SELECT b.client_id FROM logout_delivery_breakers b
      WHERE b.opened_at IS NOT NULL AND b.probe_at <= :now AND b.client_id IN (SELECT a.client_id FROM applications a)
        FOR UPDATE OF b SKIP LOCKED
   ), shares AS MATERIALIZED (
     SELECT a.client_id, a.next_attempt_at, p.client_id IS NOT NULL AS probe,
            CASE WHEN p.client_id IS NOT NULL THEN 1 WHEN b.client_id IS NOT NULL THEN 0 ELSE :perClient - coalesce(u.n, 0) END AS share
       FROM applications a
       LEFT JOIN probed p ON p.client_id = a.client_id
       LEFT JOIN logout_delivery_breakers b ON b.client_id = a.client_id AND b.opened_at IS NOT NULL
       LEFT JOIN ${listed(':underWayClients', ':underWayCounts')} u(client_id, n) ON u.client_id = a.client_id
   ), due AS MATERIALIZED (
     SELECT notice.id, s.client_id, s.probe
       FROM (SELECT * FROM shares WHERE share > 0 ORDER BY next_attempt_at) s
      CROSS JOIN LATERAL (
        SELECT x.id FROM (SELECT h.bucket FROM heads h WHERE h.client_id = s.client_id ORDER BY h.next_attempt_at) b
         CROSS JOIN LATERAL (
          SELECT d.id FROM logout_deliveries d
           WHERE d.state = 'pending' AND d.client_id = s.client_id AND d.bucket = b.bucket AND d.next_attempt_at <= :now
           ORDER BY d.next_attempt_at LIMIT s.share
         ) x LIMIT s.share
      ) notice
      ${limitAlongIndex(':limit')}
   ), probing AS (
     UPDATE logout_delivery_breakers b SET probe_at = :claimedUntil FROM due WHERE due.probe AND b.client_id = due.client_id
   ), given_back AS (
     UPDATE logout_delivery_buckets b SET leased_until = :now WHERE b.bucket = ${anyOf(':buckets')} AND b.leased_by = :node
   )
   -- By an array, too, so that the planner does not read the whole table for the join.
   UPDATE logout_deliveries d SET next_attempt_at = :claimedUntil, claimed_until = :claimedUntil
     FROM due WHERE d.id = due.id AND d.id = ANY(ARRAY(SELECT x.id FROM due x)) AND d.state = 'pending' AND d.next_attempt_at <= :now
   RETURNING d.id, d.termination_id, d.client_id, d.sub, d.sid, d.attempts, d.created_at, ${AGES_FROM} AS ages_from, due.probe, d.cause, d.traceparent`,
});
