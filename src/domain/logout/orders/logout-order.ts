import type { TerminationCause } from '../command/logout.js';

/** Where an order stands. What it ends is dead in each of them; they are about records and notices only. */
export const ORDER_STATES = ['queued', 'running', 'paused', 'done'] as const;
export type OrderState = (typeof ORDER_STATES)[number];

/**
 * What the job does next: sessions with their grants, grants without a live session, waiting for the last notice.
 *
 * `late` is the first once more. A request that began before the order and ends after it may yet begin a session or
 * join one, behind the cursor. When every grant is revoked, no more of them can join.
 */
export type OrderPhase = 'sessions' | 'grants' | 'late' | 'notices';

/** Whose word it is: an operator's, or that of a client about itself. */
export type OrderedBy = 'operator' | 'client';

/** Whose sessions and grants. A union, so that "everyone because a field was empty" cannot be written. */
export type OrderTarget =
  /** Every session and every grant of one person, offline ones too. */
  | { readonly kind: 'account'; readonly accountId: string }
  /** Every grant of one application, offline ones too; it is notified of each session, and these continue. */
  | { readonly kind: 'client'; readonly clientId: string }
  /** What one application was permitted to do without people; it is notified of the sessions in which it was. */
  | { readonly kind: 'client-offline'; readonly clientId: string }
  /** Every session that began by way of another provider, and the grants made in them. */
  | { readonly kind: 'upstream'; readonly upstreamId: string; readonly name: string }
  /** Every session and every grant of every person. What clients got for themselves stays good. */
  | { readonly kind: 'everyone' };

export interface NewLogoutOrder {
  readonly target: OrderTarget;
  readonly reason: string | undefined;
  /** Notices per second to one application; undefined: as the settings say. */
  readonly notifyPerSecond: number | undefined;
  /** The client of the operator; or, with `orderedBy`, the client itself. */
  readonly operator: string;
  readonly orderedBy?: OrderedBy;
  /** What records, notices and receipts name; undefined: `logout_order`. */
  readonly cause?: TerminationCause;
  /** The same key by the same operator is the same order. */
  readonly idempotencyKey: string | undefined;
}

/** An order as operators see it. */
export interface LogoutOrder {
  readonly id: string;
  readonly number: string;
  readonly target: OrderTarget;
  readonly reason: string | null;
  readonly notifyPerSecond: number;
  readonly operator: string;
  readonly orderedBy: OrderedBy;
  readonly cause: TerminationCause;
  readonly orderedAt: Date;
  readonly state: OrderState;
  /** Sessions it is about; null until they have all been counted. */
  readonly total: number | null;
  /** Sessions that are on record as ended (for a client: of which it is notified). */
  readonly done: number;
  readonly grantsRevoked: number;
  /** Notices that were written. */
  readonly deliveries: number;
  readonly finishedAt: Date | null;
  /** When the last notice that is written is due; null: there is none. */
  readonly lastNoticeAt: Date | null;
}

/** An order's notices to one application. */
export interface OrderApplication {
  readonly clientId: string;
  readonly deliveries: number;
  /** When the last of them that is written is due. */
  readonly lastNoticeAt: Date;
}
