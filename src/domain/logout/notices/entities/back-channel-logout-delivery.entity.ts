import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { TerminationCause } from '../../command/logout.js';
import type { DeliveryState } from '../delivery.js';

/**
 * One notice to one application about one session (Back-Channel Logout 1.0 §2.5), as long as it was not accepted:
 * pending, rejected or given up. One that is accepted leaves for `logout_delivered`, so this table stays small and
 * what changes often is in nothing else (docs/decisions/0055-the-ledger-by-day.md).
 */
@Entity('logout_deliveries')
@Index('logout_deliveries_client_due_idx', ['clientId', 'bucket', 'nextAttemptAt'], { where: `state = 'pending'` })
// Lists, each in its order, from the state and what else is asked for on; those about errors hold failed ones alone.
@Index('logout_deliveries_state_idx', ['state', 'terminationId', 'id'])
@Index('logout_deliveries_client_idx', ['state', 'clientId', 'terminationId', 'id'])
@Index('logout_deliveries_error_idx', ['state', 'lastError', 'terminationId', 'id'], {
  where: 'last_error IS NOT NULL',
})
@Index('logout_deliveries_client_error_idx', ['state', 'clientId', 'lastError', 'terminationId', 'id'], {
  where: 'last_error IS NOT NULL',
})
@Index('logout_deliveries_order_idx', ['orderId', 'state', 'nextAttemptAt'], { where: 'order_id IS NOT NULL' })
// What was given up lately.
@Index('logout_deliveries_died_at_idx', ['state', 'finishedAt', 'clientId'], {
  where: `state IN ('rejected', 'abandoned')`,
})
@Check('logout_deliveries_state_check', `state IN ('pending', 'rejected', 'abandoned')`)
export class BackChannelLogoutDeliveryEntity {
  /** UUID v7: it begins with the time of its termination's. */
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'logout_deliveries_pkey' })
  id: string;

  /** No foreign keys: each would lock a row that other logouts want, and the days of the ledger go by themselves. */
  @Column('uuid', { name: 'termination_id' })
  terminationId: string;

  /** Where it goes is looked up at each attempt, so a corrected URI is used at once. */
  @Column('text', { name: 'client_id' })
  clientId: string;

  /** Whose session it was. */
  @Column('uuid', { name: 'account_id', nullable: true })
  accountId: string | null;

  /** Of the account's id: nodes share the pending notices by it. */
  @Column('integer', { default: 0 })
  bucket: number;

  /** Why the session ended, as its termination says. */
  @Column('text')
  cause: TerminationCause;

  @Column('text')
  sub: string;

  @Column('text', { nullable: true })
  sid: string | null;

  @Column('text')
  state: DeliveryState;

  @Column('integer', { default: 0 })
  attempts: number;

  /** When it may be tried next; while an attempt runs, when its claim lapses. */
  @Column('timestamptz', { name: 'next_attempt_at' })
  nextAttemptAt: Date;

  /**
   * The process that claimed it sends it until then. Null too for a notice that its logout's own process is sending
   * first.
   */
  @Column('timestamptz', { name: 'claimed_until', nullable: true })
  claimedUntil: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  /** When an operator last ordered it to be sent again: its age counts from then. */
  @Column('timestamptz', { name: 'resent_at', nullable: true })
  resentAt: Date | null;

  /** When its place in an order's queue came, or comes; its age counts from then. */
  @Column('timestamptz', { name: 'ages_from', nullable: true })
  agesFrom: Date | null;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;

  /** The logout order that it comes from, if any. */
  @Column('uuid', { name: 'order_id', nullable: true })
  orderId: string | null;

  @Column('text', { name: 'last_error', nullable: true })
  lastError: string | null;

  /** The logout's place in a trace, which each attempt continues, on whatever node; null while there are no traces. */
  @Column('text', { nullable: true })
  traceparent: string | null;
}
