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
  /** Why the session ended, for clients that are registered to be told. */
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
}
