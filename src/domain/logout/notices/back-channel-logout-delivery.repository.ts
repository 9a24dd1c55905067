import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../../platform/database/page.js';
import { statement, type Queryable } from '../../../platform/database/statement.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import type { TerminationCause } from '../command/logout.js';
import { HELD_BACK } from '../../../platform/epochs/epochs.sql.js';
import { noteHealth, type ApplicationHealth, type BreakerChange } from './delivery-breaker.js';
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

export interface Attempt {
  readonly number: number;
  readonly jti: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly status: number | null;
  readonly errorCode: string | null;
}

/** A notice as operators see it. */
export interface Delivery {
  readonly id: string;
  readonly terminationId: string;
  readonly clientId: string;
  readonly sub: string;
  readonly sid: string | null;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly nextAttemptAt: Date | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  /** When an operator last ordered it to be sent again. */
  readonly resentAt: Date | null;
  readonly lastError: string | null;
}

/** What an application has not accepted. */
export interface UndeliveredCounts {
  readonly pending: number;
  readonly rejected: number;
  readonly abandoned: number;
  readonly oldestPendingAt: Date | undefined;
}

/** How much of what is due one claim takes. */
export interface ClaimShares {
  readonly limit: number;
  /** Notices of one application that this process may have under way. */
  readonly perClient: number;
  /** How many it has under way already. */
  readonly underWay: ReadonlyMap<string, number>;
}

/** Which notices: all of these that are given must fit. */
export interface DeliveryFilter {
  readonly ids?: readonly string[] | undefined;
  readonly state?: string | undefined;
  readonly clientId?: string | undefined;
  readonly terminationId?: string | undefined;
  readonly errorCode?: string | undefined;
  readonly createdAfter?: Date | undefined;
  readonly createdBefore?: Date | undefined;
}

/** From when the age of `d` counts: neither its place in an order's queue nor a pause makes it old. */
const AGES_FROM = 'greatest(d.created_at, d.ages_from, d.resent_at)';

/**
 * The claim is a lease: `next_attempt_at` moves on, so a node that dies with it loses it by itself.
 *
 * Each application gets its own share and no more, so the cost does not grow with what one of them owes: `waiting`
 * hops over the index from one application to the next, and a lateral join reads as many rows of each as it may have.
 * Where a breaker is open the share is one, for whoever gets hold of the breaker's row first once its pause is over.
 *
 * Exported for the test that has Postgres explain it.
 */
export const CLAIM = statement(
  'logout_deliveries_claim',
  `WITH RECURSIVE waiting AS (
     (SELECT d.client_id FROM logout_deliveries d WHERE d.state = 'pending' ORDER BY d.client_id LIMIT 1)
      UNION ALL
     SELECT (SELECT d.client_id FROM logout_deliveries d WHERE d.state = 'pending' AND d.client_id > w.client_id ORDER BY d.client_id LIMIT 1)
       FROM waiting w WHERE w.client_id IS NOT NULL
   ), applications AS MATERIALIZED (
     SELECT w.client_id, oldest.next_attempt_at
       FROM waiting w CROSS JOIN LATERAL (
         SELECT d.next_attempt_at FROM logout_deliveries d
          WHERE d.state = 'pending' AND d.client_id = w.client_id AND d.next_attempt_at <= $1 ORDER BY d.next_attempt_at LIMIT 1
       ) oldest
   ), probed AS MATERIALIZED (
     SELECT b.client_id FROM logout_delivery_breakers b
      WHERE b.opened_at IS NOT NULL AND b.probe_at <= $1 AND b.client_id IN (SELECT a.client_id FROM applications a)
        FOR UPDATE OF b SKIP LOCKED
   ), shares AS MATERIALIZED (
     SELECT a.client_id, a.next_attempt_at, p.client_id IS NOT NULL AS probe,
            CASE WHEN p.client_id IS NOT NULL THEN 1 WHEN b.client_id IS NOT NULL THEN 0 ELSE $4::int - coalesce(u.n, 0) END AS share
       FROM applications a
       LEFT JOIN probed p ON p.client_id = a.client_id
       LEFT JOIN logout_delivery_breakers b ON b.client_id = a.client_id AND b.opened_at IS NOT NULL
       LEFT JOIN unnest($5::text[], $6::int[]) u(client_id, n) ON u.client_id = a.client_id
   ), due AS MATERIALIZED (
     SELECT notice.id, s.client_id, s.probe
       FROM (SELECT * FROM shares WHERE share > 0 ORDER BY next_attempt_at) s
      CROSS JOIN LATERAL (
        SELECT d.id FROM logout_deliveries d
         WHERE d.state = 'pending' AND d.client_id = s.client_id AND d.next_attempt_at <= $1
         ORDER BY d.next_attempt_at LIMIT s.share FOR UPDATE SKIP LOCKED
      ) notice
      LIMIT $3
   ), probing AS (
     UPDATE logout_delivery_breakers b SET probe_at = $2 FROM due WHERE due.probe AND b.client_id = due.client_id
   )
   -- By an array, too, so that nobody gets the idea of reading the whole table for the join.
   UPDATE logout_deliveries d SET next_attempt_at = $2, claimed_until = $2
     FROM due WHERE d.id = due.id AND d.id = ANY(ARRAY(SELECT x.id FROM due x))
   RETURNING d.id, d.termination_id, d.client_id, d.sub, d.sid, d.attempts, d.created_at, ${AGES_FROM} AS ages_from, due.probe,
     (SELECT t.cause FROM session_terminations t WHERE t.id = d.termination_id) AS cause`,
);

/**
 * Of the notices in `ended` (termination_id, resent_at), those that were sent again have ended anew: what a receipt says is
 * not the whole of it any more, and another revision is owed. Whether there is a receipt yet is not asked: one may be
 * being signed at this moment, and then this waits for it.
 */
function reopened(ended: string): string {
  return `reopened AS (
     UPDATE session_terminations t SET receipted_at = NULL
      WHERE t.id IN (SELECT e.termination_id FROM ${ended} e WHERE e.resent_at IS NOT NULL)
   )`;
}

/**
 * Any number of results at once. A delivery that has ended stays as it ended, and an attempt is recorded once: another
 * node may have taken over a claim that lapsed. What the results say about the applications goes to their breakers.
 */
const RECORD = statement(
  'logout_deliveries_record',
  `WITH r AS (
     SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::int[], $6::int[], $7::text[], $8::text[], $9::timestamptz[],
                          $11::text[], $12::boolean[], $13::int[])
       AS r(delivery_id, number, jti, started_at, duration_ms, status, error_code, state, next_attempt_at, health, probe, retry_after_ms)
   ), updated AS (
     UPDATE logout_deliveries d
        SET state = r.state, attempts = greatest(d.attempts, r.number), next_attempt_at = r.next_attempt_at, last_error = r.error_code,
            claimed_until = NULL, finished_at = CASE WHEN r.state = 'pending' THEN NULL ELSE $10::timestamptz END
       FROM r WHERE d.id = r.delivery_id AND d.state = 'pending'
     RETURNING d.termination_id, r.state, d.resent_at
   ),
   ended AS (SELECT * FROM updated u WHERE u.state <> 'pending'),
   ${reopened('ended')},
   written AS (
     INSERT INTO logout_delivery_attempts (delivery_id, number, jti, started_at, duration_ms, status, error_code)
     SELECT r.delivery_id, r.number, r.jti, r.started_at, r.duration_ms, r.status, r.error_code FROM r
       JOIN logout_deliveries d ON d.id = r.delivery_id
     ON CONFLICT (delivery_id, number) DO NOTHING
   ), heard AS (
     SELECT d.client_id, bool_or(r.health = 'alive') AS alive, count(*) FILTER (WHERE r.health = 'failing')::int AS failures,
            bool_or(r.probe) AS probe, max(r.retry_after_ms) AS retry_after_ms,
            max(r.error_code) FILTER (WHERE r.health = 'failing') AS error_code
       FROM r JOIN logout_deliveries d ON d.id = r.delivery_id WHERE r.health IS NOT NULL GROUP BY d.client_id
   ),
   ${noteHealth('$10::timestamptz', '$14::int', '$15::float8')}
   SELECT client_id, probe_at AS open_until FROM failing WHERE opened_at IS NOT NULL
    UNION ALL SELECT client_id, NULL FROM closed`,
);

/** Older than a notice may get, and kept waiting by a breaker: no attempt is going to find that out. */
const ABANDON_OLD = statement(
  'logout_deliveries_abandon_old',
  `WITH ended AS (
     UPDATE logout_deliveries d SET state = 'abandoned', finished_at = $2, last_error = coalesce(d.last_error, 'breaker_open')
      WHERE d.state = 'pending' AND d.client_id = ANY($1::text[]) AND d.next_attempt_at <= $2
        AND ${AGES_FROM} < $3
     RETURNING d.termination_id, d.resent_at
   ),
   ${reopened('ended')}
   SELECT DISTINCT termination_id FROM ended`,
);

/** Notices that nobody is sending. A new one belongs to its logout's process first: then only its time tells. */
const UNCLAIMED = `(d.claimed_until IS NULL OR d.claimed_until <= $1) AND (d.attempts > 0 OR d.next_attempt_at <= $1)`;

const FILTER = `($2::uuid[] IS NULL OR d.id = ANY($2)) AND ($3::text IS NULL OR d.state = $3) AND ($4::text IS NULL OR d.client_id = $4)
      AND ($5::uuid IS NULL OR d.termination_id = $5) AND ($6::text IS NULL OR d.last_error = $6)
      AND ($7::timestamptz IS NULL OR d.created_at >= $7) AND ($8::timestamptz IS NULL OR d.created_at < $8)`;

/** What was delivered is over, and an application without an address would only be given up again. */
const RESEND = statement(
  'logout_deliveries_resend',
  `WITH resent AS (
     UPDATE logout_deliveries d SET state = 'pending', next_attempt_at = $1, resent_at = $1, finished_at = NULL, claimed_until = NULL
      WHERE ${FILTER} AND (d.state IN ('rejected', 'abandoned') OR (d.state = 'pending' AND ${UNCLAIMED}))
        AND EXISTS (SELECT 1 FROM clients c WHERE c.client_id = d.client_id AND c.metadata ->> 'backchannel_logout_uri' IS NOT NULL)
     RETURNING d.client_id
   )
   SELECT client_id, count(*)::int AS resent FROM resent GROUP BY client_id`,
);

/** The application receives notices elsewhere now: no reason to wait any longer, but for an order that is paused. */
const HASTEN = statement(
  'logout_deliveries_hasten',
  `UPDATE logout_deliveries d SET next_attempt_at = $1
    WHERE d.state = 'pending' AND d.client_id = $2 AND d.next_attempt_at > $1 AND d.next_attempt_at < ${HELD_BACK} AND ${UNCLAIMED}`,
);

/** The application receives no notices any more. What is under way comes to its own end. */
const ABANDON = statement(
  'logout_deliveries_abandon',
  `WITH ended AS (
     UPDATE logout_deliveries d SET state = 'abandoned', finished_at = $1, last_error = $3
      WHERE d.state = 'pending' AND d.client_id = $2 AND ${UNCLAIMED}
     RETURNING d.termination_id, d.resent_at
   ),
   ${reopened('ended')}
   SELECT DISTINCT termination_id FROM ended`,
);

/** Of what has not been delivered, from the partial indexes alone. */
const COUNT = statement(
  'logout_deliveries_count',
  `SELECT count(*) FILTER (WHERE d.state = 'pending')::int AS pending, count(*) FILTER (WHERE d.state = 'rejected')::int AS rejected,
          count(*) FILTER (WHERE d.state = 'abandoned')::int AS abandoned, min(d.created_at) FILTER (WHERE d.state = 'pending') AS oldest_pending_at
     FROM (SELECT p.state, p.created_at FROM logout_deliveries p WHERE p.state = 'pending' AND p.client_id = $1
            UNION ALL
           SELECT x.state, x.created_at FROM logout_deliveries x WHERE x.state IN ('rejected', 'abandoned') AND x.client_id = $1) d`,
);

const LIST = statement(
  'logout_deliveries_list',
  `SELECT d.* FROM logout_deliveries d
    WHERE ($1::uuid IS NULL OR (d.created_at, d.id) < (SELECT c.created_at, c.id FROM logout_deliveries c WHERE c.id = $1))
      AND ($2::text IS NULL OR d.state = $2) AND ($3::text IS NULL OR d.client_id = $3)
      AND ($4::uuid IS NULL OR d.termination_id = $4) AND ($5::uuid IS NULL OR d.id = $5)
      AND ($7::text IS NULL OR d.last_error = $7)
      AND ($8::timestamptz IS NULL OR d.created_at >= $8) AND ($9::timestamptz IS NULL OR d.created_at < $9)
    ORDER BY d.created_at DESC, d.id DESC LIMIT $6`,
);

const ATTEMPTS = statement(
  'logout_deliveries_attempts',
  'SELECT * FROM logout_delivery_attempts WHERE delivery_id = $1 ORDER BY number',
);

/**
 * What operators look at first comes first. A termination may owe a notice to everybody: the inner limit bounds what is
 * sorted, the outer one what is shown. By `logout_deliveries_termination_id_idx` and the attempts' primary key.
 */
const TIMELINE = statement(
  'logout_deliveries_timeline',
  `SELECT d.*, a.attempts_made FROM (
     SELECT * FROM (SELECT * FROM logout_deliveries WHERE termination_id = $1 LIMIT $2) x
      ORDER BY array_position(ARRAY['pending', 'abandoned', 'rejected'], x.state), x.created_at, x.client_id, x.id LIMIT $3
   ) d
   CROSS JOIN LATERAL (
     SELECT coalesce(json_agg(json_build_object('number', l.number, 'jti', l.jti, 'started_at', l.started_at, 'duration_ms', l.duration_ms,
                                                'status', l.status, 'error_code', l.error_code) ORDER BY l.number), '[]') AS attempts_made
       FROM (SELECT * FROM logout_delivery_attempts y WHERE y.delivery_id = d.id ORDER BY y.number DESC LIMIT $4) l
   ) a
   ORDER BY array_position(ARRAY['pending', 'abandoned', 'rejected'], d.state), d.created_at, d.client_id, d.id`,
);

/** Notices of one termination that are sorted. */
const TIMELINE_READ = 2000;

/** A notice with its latest attempts, the oldest of them first. */
export interface DeliveryWithAttempts extends Delivery {
  readonly attemptsMade: readonly Attempt[];
}

/** The ledger of notices: claim, record, list, send again. */
@Injectable()
export class BackChannelLogoutDeliveryRepository {
  constructor(private readonly transactions: TransactionRunner) {}

  /** Due notices that nobody else is sending, of each application its share, claimed until `claimedUntil`. */
  async claim(now: Date, claimedUntil: Date, shares: ClaimShares): Promise<DueDelivery[]> {
    const rows = await this.transactions.query<{
      id: string;
      termination_id: string;
      client_id: string;
      sub: string;
      sid: string | null;
      attempts: number;
      created_at: Date;
      ages_from: Date;
      probe: boolean;
      cause: TerminationCause;
    }>(CLAIM, [
      now,
      claimedUntil,
      shares.limit,
      shares.perClient,
      [...shares.underWay.keys()],
      [...shares.underWay.values()],
    ]);
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
    const rows = await this.transactions.query<{ client_id: string; open_until: Date | null }>(RECORD, [
      results.map((result) => result.deliveryId),
      results.map((result) => result.number),
      results.map((result) => result.jti),
      results.map((result) => result.startedAt),
      results.map((result) => result.durationMs),
      results.map((result) => result.status ?? null),
      results.map((result) => result.errorCode ?? null),
      results.map((result) => result.state),
      results.map((result) => result.nextAttemptAt),
      now,
      results.map((result) => result.health ?? null),
      results.map((result) => result.probe ?? false),
      results.map((result) => result.retryAfterMs ?? null),
      breakerFailures,
      // Up to a quarter less at random, so that applications behind one broken proxy are not probed all at once.
      1 - Math.random() / 4,
    ]);
    return rows.map((row) => ({ clientId: row.client_id, openUntil: row.open_until ?? undefined }));
  }

  /**
   * Notices of applications with an open breaker that are from before `createdBefore` end as abandoned. Returns the
   * terminations that they belong to.
   */
  async abandonOld(clientIds: readonly string[], now: Date, createdBefore: Date): Promise<string[]> {
    const rows = await this.transactions.query<{ termination_id: string }>(ABANDON_OLD, [
      clientIds,
      now,
      createdBefore,
    ]);
    return rows.map((row) => row.termination_id);
  }

  /** What fits the filter and was not delivered is due now, with its age counted anew. Returns how many, by application. */
  async resend(db: Queryable, filter: DeliveryFilter, now: Date): Promise<Map<string, number>> {
    const rows = await db.query<{ client_id: string; resent: number }>(RESEND, [
      now,
      filter.ids ?? null,
      filter.state ?? null,
      filter.clientId ?? null,
      filter.terminationId ?? null,
      filter.errorCode ?? null,
      filter.createdAfter ?? null,
      filter.createdBefore ?? null,
    ]);
    return new Map(rows.map((row) => [row.client_id, row.resent]));
  }

  /** Pending notices of an application that wait for their next attempt are due now. */
  async hasten(db: Queryable, clientId: string, now: Date): Promise<void> {
    await db.query(HASTEN, [now, clientId]);
  }

  /** Pending notices of an application end, save those that are being sent at this moment. */
  async abandon(db: Queryable, clientId: string, errorCode: string, now: Date): Promise<void> {
    await db.query(ABANDON, [now, clientId, errorCode]);
  }

  async count(clientId: string): Promise<UndeliveredCounts> {
    const [row] = await this.transactions.query<{
      pending: number;
      rejected: number;
      abandoned: number;
      oldest_pending_at: Date | null;
    }>(COUNT, [clientId]);
    return {
      pending: row?.pending ?? 0,
      rejected: row?.rejected ?? 0,
      abandoned: row?.abandoned ?? 0,
      oldestPendingAt: row?.oldest_pending_at ?? undefined,
    };
  }

  /** Newest first. */
  async list(filter: PageRequest & Omit<DeliveryFilter, 'ids'>): Promise<Page<Delivery>> {
    const rows = await this.transactions.query<DeliveryRow>(LIST, [
      filter.cursor ?? null,
      filter.state ?? null,
      filter.clientId ?? null,
      filter.terminationId ?? null,
      null,
      filter.limit + 1,
      filter.errorCode ?? null,
      filter.createdAfter ?? null,
      filter.createdBefore ?? null,
    ]);
    const items = rows.slice(0, filter.limit).map(toDelivery);
    return { items, nextCursor: rows.length > filter.limit ? items.at(-1)?.id : undefined };
  }

  /** Notices of one termination: pending ones first, then those that went wrong. One round trip. */
  async timeline(terminationId: string, limit: number, attempts: number): Promise<DeliveryWithAttempts[]> {
    const rows = await this.transactions.query<DeliveryRow & { attempts_made: TimelineAttempt[] }>(TIMELINE, [
      terminationId,
      TIMELINE_READ,
      limit,
      attempts,
    ]);
    return rows.map((row) => ({
      ...toDelivery(row),
      attemptsMade: row.attempts_made.map((made) => toAttempt({ ...made, started_at: new Date(made.started_at) })),
    }));
  }

  async find(id: string): Promise<{ readonly delivery: Delivery; readonly attempts: readonly Attempt[] } | undefined> {
    const [row] = await this.transactions.query<DeliveryRow>(LIST, [null, null, null, null, id, 1, null, null, null]);
    if (row === undefined) return undefined;
    const attempts = await this.transactions.query<AttemptRow>(ATTEMPTS, [id]);
    return { delivery: toDelivery(row), attempts: attempts.map(toAttempt) };
  }
}

interface DeliveryRow {
  id: string;
  termination_id: string;
  client_id: string;
  sub: string;
  sid: string | null;
  state: DeliveryState;
  attempts: number;
  next_attempt_at: Date;
  created_at: Date;
  finished_at: Date | null;
  resent_at: Date | null;
  last_error: string | null;
}

interface AttemptRow {
  number: number;
  jti: string;
  started_at: Date;
  duration_ms: number;
  status: number | null;
  error_code: string | null;
}

/** An attempt as JSON gives it. */
type TimelineAttempt = Omit<AttemptRow, 'started_at'> & { readonly started_at: string };

function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    terminationId: row.termination_id,
    clientId: row.client_id,
    sub: row.sub,
    sid: row.sid,
    state: row.state,
    attempts: row.attempts,
    nextAttemptAt: row.state === 'pending' ? row.next_attempt_at : null,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
    resentAt: row.resent_at,
    lastError: row.last_error,
  };
}

function toAttempt(row: AttemptRow): Attempt {
  return {
    number: row.number,
    jti: row.jti,
    startedAt: row.started_at,
    durationMs: row.duration_ms,
    status: row.status,
    errorCode: row.error_code,
  };
}
