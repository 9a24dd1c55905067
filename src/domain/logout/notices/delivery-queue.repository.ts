import { Injectable } from '@nestjs/common';
import { sql, statement, typed } from '../../../platform/database/statement.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import type { TerminationCause } from '../command/logout.js';
import { AGES_FROM, REOPEN_RECEIPTS } from './deliveries.sql.js';
import type { ApplicationHealth, BreakerChange } from './delivery-breaker.js';
import { NOTE_HEALTH } from './delivery-breaker.sql.js';
import type { DeliveryState, DueDelivery } from './delivery.js';

/** One attempt and what it makes of the delivery. */
export interface AttemptResult {
  readonly deliveryId: string;
  readonly number: number;
  readonly jti: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly status: number | undefined;
  readonly errorCode: string | undefined;
  readonly state: DeliveryState;
  /** For `pending`: when it is tried again. */
  readonly nextAttemptAt: Date;
  /** What it tells about the application; undefined when nothing. */
  readonly health?: ApplicationHealth | undefined;
  readonly probe?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** How much of what is due one claim takes. */
export interface ClaimShares {
  readonly limit: number;
  /** Notices of one application that this process may have under way. */
  readonly perClient: number;
  /** How many it has under way already. */
  readonly underWay: ReadonlyMap<string, number>;
}

/**
 * The claim is a lease: `next_attempt_at` moves on, so a node that dies with it loses it by itself.
 *
 * Each application gets its own share and no more, so the cost does not grow with the notices of one: `waiting` hops
 * over the index from one application to the next, and a lateral join reads as many rows of each as it may have. Where
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
  },
  text: `
   WITH RECURSIVE waiting AS (
     (SELECT d.client_id FROM logout_deliveries d WHERE d.state = 'pending' ORDER BY d.client_id LIMIT 1)
      UNION ALL
     SELECT (SELECT d.client_id FROM logout_deliveries d WHERE d.state = 'pending' AND d.client_id > w.client_id ORDER BY d.client_id LIMIT 1)
       FROM waiting w WHERE w.client_id IS NOT NULL
   ), applications AS MATERIALIZED (
     SELECT w.client_id, oldest.next_attempt_at
       FROM waiting w CROSS JOIN LATERAL (
         SELECT d.next_attempt_at FROM logout_deliveries d
          WHERE d.state = 'pending' AND d.client_id = w.client_id AND d.next_attempt_at <= :now ORDER BY d.next_attempt_at LIMIT 1
       ) oldest
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
       LEFT JOIN unnest(:underWayClients, :underWayCounts) u(client_id, n) ON u.client_id = a.client_id
   ), due AS MATERIALIZED (
     SELECT notice.id, s.client_id, s.probe
       FROM (SELECT * FROM shares WHERE share > 0 ORDER BY next_attempt_at) s
      CROSS JOIN LATERAL (
        SELECT d.id FROM logout_deliveries d
         WHERE d.state = 'pending' AND d.client_id = s.client_id AND d.next_attempt_at <= :now
         ORDER BY d.next_attempt_at LIMIT s.share FOR UPDATE SKIP LOCKED
      ) notice
      LIMIT :limit
   ), probing AS (
     UPDATE logout_delivery_breakers b SET probe_at = :claimedUntil FROM due WHERE due.probe AND b.client_id = due.client_id
   )
   -- By an array, too, so that the planner does not read the whole table for the join.
   UPDATE logout_deliveries d SET next_attempt_at = :claimedUntil, claimed_until = :claimedUntil
     FROM due WHERE d.id = due.id AND d.id = ANY(ARRAY(SELECT x.id FROM due x))
   RETURNING d.id, d.termination_id, d.client_id, d.sub, d.sid, d.attempts, d.created_at, ${AGES_FROM} AS ages_from, due.probe,
     (SELECT t.cause FROM session_terminations t WHERE t.id = d.termination_id) AS cause`,
});

/**
 * Any number of results at once. A delivery that has ended stays as it ended, and an attempt is recorded once: another
 * node may have taken over a claim that lapsed. What the results say about the applications goes to their breakers.
 */
const RECORD = statement({
  name: 'logout_deliveries_record',
  parameters: {
    deliveryIds: 'uuid[]',
    numbers: 'int[]',
    jtis: 'text[]',
    startedAts: 'timestamptz[]',
    durations: 'int[]',
    statuses: 'int[]',
    errorCodes: 'text[]',
    states: 'text[]',
    nextAttemptAts: 'timestamptz[]',
    healths: 'text[]',
    probes: 'boolean[]',
    retryAfters: 'int[]',
    now: 'timestamptz',
    threshold: 'int',
    jitter: 'float8',
  },
  row: { client_id: 'text', open_until: 'timestamptz?' },
  text: sql`
   WITH r AS (
     SELECT * FROM unnest(:deliveryIds, :numbers, :jtis, :startedAts, :durations, :statuses, :errorCodes, :states, :nextAttemptAts,
                          :healths, :probes, :retryAfters)
       AS r(delivery_id, number, jti, started_at, duration_ms, status, error_code, state, next_attempt_at, health, probe, retry_after_ms)
   ), updated AS (
     UPDATE logout_deliveries d
        SET state = r.state, attempts = greatest(d.attempts, r.number), next_attempt_at = r.next_attempt_at, last_error = r.error_code,
            claimed_until = NULL, finished_at = CASE WHEN r.state = 'pending' THEN NULL ELSE :now END
       FROM r WHERE d.id = r.delivery_id AND d.state = 'pending'
     RETURNING d.termination_id, r.state, d.resent_at
   ),
   ended AS (SELECT * FROM updated u WHERE u.state <> 'pending'),
   ${REOPEN_RECEIPTS},
   written AS (
     INSERT INTO logout_delivery_attempts (delivery_id, number, jti, started_at, duration_ms, status, error_code)
     SELECT r.delivery_id, r.number, r.jti, r.started_at, r.duration_ms, r.status, r.error_code FROM r
       JOIN logout_deliveries d ON d.id = r.delivery_id
     ON CONFLICT (delivery_id, number) DO NOTHING
   ), outcomes AS (
     SELECT d.client_id, bool_or(r.health = 'alive') AS alive, count(*) FILTER (WHERE r.health = 'failing')::int AS failures,
            bool_or(r.probe) AS probe, max(r.retry_after_ms) AS retry_after_ms,
            max(r.error_code) FILTER (WHERE r.health = 'failing') AS error_code
       FROM r JOIN logout_deliveries d ON d.id = r.delivery_id WHERE r.health IS NOT NULL GROUP BY d.client_id
   ),
   ${NOTE_HEALTH}
   SELECT client_id, probe_at AS open_until FROM failing WHERE opened_at IS NOT NULL
    UNION ALL SELECT client_id, NULL FROM closed`,
});

/** Older than a notice may get, and kept waiting by a breaker: no attempt is going to find that out. */
const ABANDON_OLD = statement({
  name: 'logout_deliveries_abandon_old',
  parameters: { clientIds: 'text[]', now: 'timestamptz', createdBefore: 'timestamptz' },
  row: { termination_id: 'uuid' },
  text: sql`
   WITH ended AS (
     UPDATE logout_deliveries d SET state = 'abandoned', finished_at = :now, last_error = coalesce(d.last_error, 'breaker_open')
      WHERE d.state = 'pending' AND d.client_id = ANY(:clientIds) AND d.next_attempt_at <= :now
        AND ${AGES_FROM} < :createdBefore
     RETURNING d.termination_id, d.resent_at
   ),
   ${REOPEN_RECEIPTS}
   SELECT DISTINCT termination_id FROM ended`,
});

/** The queue of pending notices: claimed, sent, and what came of it recorded. */
@Injectable()
export class DeliveryQueueRepository {
  constructor(private readonly transactions: TransactionRunner) {}

  /** Due notices that no other process is sending, of each application its share, claimed until `claimedUntil`. */
  async claim(now: Date, claimedUntil: Date, shares: ClaimShares): Promise<DueDelivery[]> {
    const rows = await this.transactions.query(CLAIM, {
      now,
      claimedUntil,
      limit: shares.limit,
      perClient: shares.perClient,
      underWayClients: [...shares.underWay.keys()],
      underWayCounts: [...shares.underWay.values()],
    });
    return rows.map((row) => ({
      id: row.id,
      terminationId: row.termination_id,
      clientId: row.client_id,
      cause: row.cause,
      sub: row.sub,
      sid: row.sid,
      attempts: row.attempts,
      createdAt: row.created_at,
      agesFrom: row.ages_from,
      probe: row.probe,
      claimedUntil,
    }));
  }

  /**
   * One round trip for all of them.
   * @param breakerFailures after how many failures in a row an application's breaker opens
   * @returns the breakers that are open now, and those that closed
   */
  async record(results: readonly AttemptResult[], now: Date, breakerFailures: number): Promise<BreakerChange[]> {
    const rows = await this.transactions.query(RECORD, {
      deliveryIds: results.map((result) => result.deliveryId),
      numbers: results.map((result) => result.number),
      jtis: results.map((result) => result.jti),
      startedAts: results.map((result) => result.startedAt),
      durations: results.map((result) => result.durationMs),
      statuses: results.map((result) => result.status ?? null),
      errorCodes: results.map((result) => result.errorCode ?? null),
      states: results.map((result) => result.state),
      nextAttemptAts: results.map((result) => result.nextAttemptAt),
      healths: results.map((result) => result.health ?? null),
      probes: results.map((result) => result.probe ?? false),
      retryAfters: results.map((result) => result.retryAfterMs ?? null),
      now,
      threshold: breakerFailures,
      // Up to a quarter less at random, so that applications behind one broken proxy are not probed all at once.
      jitter: 1 - Math.random() / 4,
    });
    return rows.map((row) => ({ clientId: row.client_id, openUntil: row.open_until ?? undefined }));
  }

  /**
   * Notices of applications with an open breaker that are from before `createdBefore` end as abandoned. Returns the
   * terminations that they belong to.
   */
  async abandonOld(clientIds: readonly string[], now: Date, createdBefore: Date): Promise<string[]> {
    const rows = await this.transactions.query(ABANDON_OLD, { clientIds, now, createdBefore });
    return rows.map((row) => row.termination_id);
  }
}
