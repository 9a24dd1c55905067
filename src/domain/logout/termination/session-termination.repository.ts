import { Injectable } from '@nestjs/common';
import { timeOrderedId } from '../../../platform/clock/time-ordered-id.js';
import type { Queryable } from '../../../platform/database/statement.js';
import type { DueDelivery } from '../notices/delivery.js';
import type { FrontChannelParticipant, LogoutInitiator, LogoutTarget, TerminationCause } from '../command/logout.js';
import type { TerminateEach } from './terminate-each.sql.js';
import { TERMINATE } from './terminate.sql.js';
import type { WithoutNotice } from './without-notice.js';

/** One termination, ready to be written. */
export interface TerminationPlan {
  readonly terminationId: string;
  readonly target: LogoutTarget;
  readonly cause: TerminationCause;
  readonly initiator: LogoutInitiator;
  readonly revokesOfflineGrants: boolean;
  readonly now: Date;
  /** Until then the notices belong to the process that writes them; after it any node may claim them. */
  readonly claimedUntil: Date;
  /** The logout's place in a trace, which every attempt at its notices continues; null: it is in none. */
  readonly traceparent: string | null;
  readonly browserSessionId?: string | undefined;
  readonly senderClientId?: string | undefined;
  readonly targetName?: string | undefined;
}

export interface TerminationResult {
  readonly sessions: number;
  readonly grantsRevoked: number;
  readonly deliveries: readonly DueDelivery[];
  readonly withoutNotice: readonly WithoutNotice[];
  readonly frontChannel: readonly FrontChannelParticipant[];
}

/** Many sessions that end, each by a termination of its own. */
export interface EachTerminationPlan<Own> {
  /** Made by `terminateEachStatement`: which sessions, and by what cause. */
  readonly statement: TerminateEach<Own>;
  /** The values of the statement's own parameters. */
  readonly values: Own;
  /** How many at most. */
  readonly limit: number;
  readonly initiator: LogoutInitiator;
  readonly revokesOfflineGrants: boolean;
  readonly now: Date;
  /** When the notices are due: at once, unless the caller sends them. */
  readonly claimedUntil: Date;
}

export interface EachResult {
  readonly cause: TerminationCause;
  readonly sessions: number;
  readonly grantsRevoked: number;
  /** Notices that are pending now. */
  readonly deliveries: number;
}

const MAX_RUNS = 10;

/** Ends sessions and writes the record of it. */
@Injectable()
export class SessionTerminationRepository {
  /** Undefined when there was nothing to end; then nothing was written either. */
  async terminate(db: Queryable, order: TerminationPlan): Promise<TerminationResult | undefined> {
    const { target, now, terminationId, cause, claimedUntil } = order;
    const values = {
      ...target,
      now,
      terminationId,
      cause,
      revokesOfflineGrants: order.revokesOfflineGrants,
      claimedUntil,
      initiator: order.initiator,
      senderClientId: order.senderClientId,
      browserSessionId: order.browserSessionId,
      traceparent: order.traceparent,
    };
    for (let run = 0; run < MAX_RUNS; run += 1) {
      const [row] = await db.query(TERMINATE[target.kind], values);
      if (row?.complete !== true) continue;
      if (row.sessions + row.grants_revoked + row.departed + row.deliveries.length === 0) return undefined;
      return {
        sessions: row.sessions,
        grantsRevoked: row.grants_revoked,
        withoutNotice: row.without_notice,
        frontChannel: row.front_channel,
        deliveries: row.deliveries.map((delivery) => ({
          ...delivery,
          terminationId,
          cause,
          attempts: 0,
          createdAt: now,
          claimedUntil,
          traceparent: order.traceparent,
        })),
      };
    }
    throw new Error(`applications joined while each of ${MAX_RUNS} logouts waited`);
  }

  /**
   * Ends the selected sessions, at most `limit`, with a record for each; those that others hold locked are left for the
   * next call. One round trip. Returns what ended, by cause; nothing when nothing did.
   */
  async terminateEach<Own extends object>(db: Queryable, order: EachTerminationPlan<Own>): Promise<EachResult[]> {
    const rows = await db.query(order.statement, {
      now: order.now,
      terminationIds: Array.from({ length: order.limit }, () => timeOrderedId(order.now)),
      initiator: order.initiator,
      claimedUntil: order.claimedUntil,
      revokesOfflineGrants: order.revokesOfflineGrants,
      ...order.values,
    });
    return rows.map((row) => ({
      cause: row.cause,
      sessions: row.sessions,
      grantsRevoked: row.grants_revoked,
      deliveries: row.deliveries,
    }));
  }
}
