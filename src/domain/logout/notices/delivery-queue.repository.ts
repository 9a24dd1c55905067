import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { v4 as uuid } from 'uuid';
import { SECOND } from '../../../platform/clock/durations.js';
import { StatementBatch } from '../../../platform/database/statement-batch.js';
import { Clock } from '../../../platform/clock/clock.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import type { ApplicationHealth, BreakerChange } from './delivery-breaker.js';
import { CLAIM, LEASE } from './delivery-claim.sql.js';
import { ABANDON_OLD, RECORD } from './delivery-record.sql.js';
import { BUCKETS } from './deliveries.sql.js';
import type { DeliveryState, DueDelivery } from './delivery.js';

/** One attempt and what it makes of the delivery. */
export interface AttemptResult {
  readonly deliveryId: string;
  readonly clientId: string;
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

const RESULTS_AT_ONCE = 200;
const ABANDONED_AT_ONCE = 1000;
/** Longer than the statement between a lease and its end may take. */
const BUCKET_LEASE_MS = 30 * SECOND;
/** How long, and how often, a claim waits for another node's. */
const BUSY_MS = 20;
const MOST_WAITS = 100;
/** So that two nodes which claim at the same time both find something. */
const BUCKETS_AT_ONCE = BUCKETS / 2;

/** The queue of pending notices: claimed, sent, and what came of it recorded. */
@Injectable()
export class DeliveryQueueRepository {
  /** What the leases of this process are under. */
  private readonly node = uuid();

  private readonly results: ReturnType<typeof batchOf>;

  constructor(
    private readonly transactions: TransactionRunner,
    clock: Clock,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.results = batchOf(transactions, clock, settings);
  }

  /**
   * Due notices that no other process is sending, of each application its share, claimed until `claimedUntil`. None when
   * nothing is due, or other nodes are claiming it at this moment.
   */
  async claim(now: Date, claimedUntil: Date, shares: ClaimShares): Promise<DueDelivery[]> {
    const looked: number[] = [];
    for (let waits = 0; waits < MOST_WAITS;) {
      const until = new Date(now.getTime() + BUCKET_LEASE_MS);
      const lease = { node: this.node, now, until, looked, limit: BUCKETS_AT_ONCE };
      const [{ buckets, busy } = { buckets: [], busy: false }] = await this.transactions.query(LEASE, lease);
      const claimed = buckets.length === 0 ? [] : await this.claimIn(buckets, now, claimedUntil, shares);
      if (claimed.length > 0 || (buckets.length === 0 && !busy)) return claimed;
      looked.push(...buckets);
      if (buckets.length > 0) continue;
      // Another node has the rest for as long as its claim takes, and may find that it can send none of it.
      waits += 1;
      await setTimeout(BUSY_MS);
    }
    return [];
  }

  private async claimIn(
    buckets: readonly number[],
    now: Date,
    claimedUntil: Date,
    shares: ClaimShares,
  ): Promise<DueDelivery[]> {
    const rows = await this.transactions.query(CLAIM, {
      node: this.node,
      buckets,
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
      traceparent: row.traceparent,
    }));
  }

  /**
   * Results that come in the same moment, or while others are being written, are one statement.
   * @returns how the breaker of its application has changed by them; undefined: not at all
   * @throws what storage throws; another result's failure is not this one's
   */
  async record(result: AttemptResult): Promise<BreakerChange | undefined> {
    const { clientId } = result;
    const row = await this.results.run({
      ...result,
      status: result.status ?? null,
      errorCode: result.errorCode ?? null,
      health: result.health ?? null,
      probe: result.probe ?? false,
      retryAfterMs: result.retryAfterMs ?? null,
    });
    return row?.changed === true ? { clientId, openUntil: row.open_until ?? undefined } : undefined;
  }

  /**
   * Notices of an application with an open breaker that are from before `createdBefore` end as abandoned. Returns the
   * terminations that they belong to.
   */
  async abandonOld(clientId: string, now: Date, createdBefore: Date): Promise<string[]> {
    const terminations = new Set<string>();
    for (let ended = ABANDONED_AT_ONCE; ended === ABANDONED_AT_ONCE;) {
      const rows = await this.transactions.query(ABANDON_OLD, {
        clientId,
        now,
        createdBefore,
        limit: ABANDONED_AT_ONCE,
      });
      ended = rows[0]?.ended ?? 0;
      for (const row of rows) terminations.add(row.termination_id);
    }
    return [...terminations];
  }
}

function batchOf(transactions: TransactionRunner, clock: Clock, settings: Settings) {
  return new StatementBatch(transactions, RECORD, {
    // A result that was written is not written again: the notice has ended, or counts this attempt already.
    repeatable: true,
    limits: { items: RESULTS_AT_ONCE, underWay: 1 },
    shared: () => ({
      now: clock.now(),
      threshold: settings.deliveryBreakerFailures,
      // Up to a quarter less at random, so that applications behind one broken proxy are not probed all at once.
      jitter: 1 - Math.random() / 4,
    }),
  });
}
