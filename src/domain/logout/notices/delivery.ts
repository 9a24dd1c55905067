import type { TerminationCause } from '../command/logout.js';

/**
 * Where a notice stands (docs/architecture.md#every-application-is-notified). `pending` is the only state that is tried
 * again by itself.
 */
export const DELIVERY_STATES = ['pending', 'delivered', 'rejected', 'abandoned'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** What an attempt needs to know about the notice. */
export interface DueDelivery {
  readonly id: string;
  readonly terminationId: string;
  readonly clientId: string;
  /** Why the session ended, for clients that are registered for it. */
  readonly cause: TerminationCause;
  readonly sub: string;
  readonly sid: string | null;
  /** Attempts made before this one. */
  readonly attempts: number;
  readonly createdAt: Date;
  /** From when its age counts, where that is later. */
  readonly agesFrom?: Date | undefined;
  /** Its application's breaker is open, and this is the one notice that goes through to see. */
  readonly probe?: boolean;
  /** Until then it is ours to send; after it another node may. */
  readonly claimedUntil: Date;
  /** The logout's place in a trace; null: it is in none. */
  readonly traceparent: string | null;
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

/** A notice with its latest attempts, the oldest of them first. */
export interface DeliveryWithAttempts extends Delivery {
  readonly attemptsMade: readonly Attempt[];
}
