import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../database/page.js';
import { statement } from '../../database/statement.js';
import { TransactionRunner } from '../../database/transaction.js';
import type { TerminationCause } from '../logout.js';
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
  readonly lastError: string | null;
}

/** The claim is a lease: `next_attempt_at` moves on, so a node that dies with it loses it by itself. */
const CLAIM = statement(
  'logout_deliveries_claim',
  `WITH due AS (
     SELECT d.id FROM logout_deliveries d WHERE d.state = 'pending' AND d.next_attempt_at <= $1 AND d.client_id <> ALL($4::text[])
      ORDER BY d.next_attempt_at LIMIT $3 FOR UPDATE SKIP LOCKED
   )
   UPDATE logout_deliveries d SET next_attempt_at = $2 FROM due WHERE d.id = due.id
   RETURNING d.id, d.termination_id, d.client_id, d.sub, d.sid, d.attempts, d.created_at,
     (SELECT t.cause FROM session_terminations t WHERE t.id = d.termination_id) AS cause`,
);

/**
 * Any number of results at once. A delivery that has ended stays as it ended, and an attempt is recorded once: another
 * node may have taken over a claim that lapsed.
 */
const RECORD = statement(
  'logout_deliveries_record',
  `WITH r AS (
     SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::int[], $6::int[], $7::text[], $8::text[], $9::timestamptz[])
       AS r(delivery_id, number, jti, started_at, duration_ms, status, error_code, state, next_attempt_at)
   ), updated AS (
     UPDATE logout_deliveries d
        SET state = r.state, attempts = greatest(d.attempts, r.number), next_attempt_at = r.next_attempt_at, last_error = r.error_code,
            finished_at = CASE WHEN r.state = 'pending' THEN NULL ELSE $10::timestamptz END
       FROM r WHERE d.id = r.delivery_id AND d.state = 'pending'
   )
   INSERT INTO logout_delivery_attempts (delivery_id, number, jti, started_at, duration_ms, status, error_code)
   SELECT r.delivery_id, r.number, r.jti, r.started_at, r.duration_ms, r.status, r.error_code FROM r
     JOIN logout_deliveries d ON d.id = r.delivery_id
   ON CONFLICT (delivery_id, number) DO NOTHING`,
);

const LIST = statement(
  'logout_deliveries_list',
  `SELECT d.* FROM logout_deliveries d
    WHERE ($1::uuid IS NULL OR (d.created_at, d.id) < (SELECT c.created_at, c.id FROM logout_deliveries c WHERE c.id = $1))
      AND ($2::text IS NULL OR d.state = $2) AND ($3::text IS NULL OR d.client_id = $3)
      AND ($4::uuid IS NULL OR d.termination_id = $4) AND ($5::uuid IS NULL OR d.id = $5)
    ORDER BY d.created_at DESC, d.id DESC LIMIT $6`,
);

const ATTEMPTS = statement(
  'logout_deliveries_attempts',
  'SELECT * FROM logout_delivery_attempts WHERE delivery_id = $1 ORDER BY number',
);

/** The ledger of notices: claim, record, list. */
@Injectable()
export class BackChannelLogoutDeliveryRepository {
  constructor(private readonly transactions: TransactionRunner) {}

  /** Due notices that nobody else is sending, at most `limit`, claimed until `claimedUntil`. */
  async claim(now: Date, claimedUntil: Date, limit: number, exceptClients: readonly string[]): Promise<DueDelivery[]> {
    const rows = await this.transactions.query<{
      id: string;
      termination_id: string;
      client_id: string;
      sub: string;
      sid: string | null;
      attempts: number;
      created_at: Date;
      cause: TerminationCause;
    }>(CLAIM, [now, claimedUntil, limit, exceptClients]);
    return rows.map((row) => ({
      id: row.id,
      terminationId: row.termination_id,
      clientId: row.client_id,
      cause: row.cause,
      sub: row.sub,
      sid: row.sid,
      attempts: row.attempts,
      createdAt: row.created_at,
      claimedUntil,
    }));
  }

  /** One round trip for all of them. */
  async record(results: readonly AttemptResult[], now: Date): Promise<void> {
    await this.transactions.query(RECORD, [
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
    ]);
  }

  /** Newest first. */
  async list(
    filter: PageRequest & {
      readonly state?: string | undefined;
      readonly clientId?: string | undefined;
      readonly terminationId?: string | undefined;
    },
  ): Promise<Page<Delivery>> {
    const rows = await this.transactions.query<DeliveryRow>(LIST, [
      filter.cursor ?? null,
      filter.state ?? null,
      filter.clientId ?? null,
      filter.terminationId ?? null,
      null,
      filter.limit + 1,
    ]);
    const items = rows.slice(0, filter.limit).map(toDelivery);
    return { items, nextCursor: rows.length > filter.limit ? items.at(-1)?.id : undefined };
  }

  async find(id: string): Promise<{ readonly delivery: Delivery; readonly attempts: readonly Attempt[] } | undefined> {
    const [row] = await this.transactions.query<DeliveryRow>(LIST, [null, null, null, null, id, 1]);
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
