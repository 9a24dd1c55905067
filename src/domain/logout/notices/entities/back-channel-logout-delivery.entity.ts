import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { DeliveryState } from '../delivery.js';

/** One notice to one application about one session (Back-Channel Logout 1.0 §2.5). */
@Entity('logout_deliveries')
@Index('logout_deliveries_client_due_idx', ['clientId', 'nextAttemptAt'], { where: `state = 'pending'` })
@Index('logout_deliveries_client_id_idx', ['clientId', 'createdAt', 'id'])
@Index('logout_deliveries_dead_idx', ['createdAt', 'id'], { where: `state IN ('rejected', 'abandoned')` })
@Index('logout_deliveries_termination_id_idx', ['terminationId'])
@Index('logout_deliveries_created_at_idx', ['createdAt', 'id'])
@Index('logout_deliveries_order_idx', ['orderId', 'state', 'nextAttemptAt'], { where: 'order_id IS NOT NULL' })
// What operators watch reads these two and not the table: what ended lately, and what is still pending.
@Index('logout_deliveries_finished_at_idx', ['finishedAt', 'state', 'clientId', 'createdAt'], {
  where: 'finished_at IS NOT NULL',
})
@Index('logout_deliveries_pending_idx', ['createdAt', 'clientId'], { where: `state = 'pending'` })
@Check('logout_deliveries_state_check', `state IN ('pending', 'delivered', 'rejected', 'abandoned')`)
export class BackChannelLogoutDeliveryEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'logout_deliveries_pkey' })
  id: string;

  @ForeignKey('session_terminations', { name: 'logout_deliveries_termination_id_fkey', onDelete: 'CASCADE' })
  @Column('uuid', { name: 'termination_id' })
  terminationId: string;

  /** Where it goes is looked up at each attempt, so a corrected URI is used at once. */
  @ForeignKey('clients', { name: 'logout_deliveries_client_id_fkey', onDelete: 'CASCADE' })
  @Column('text', { name: 'client_id' })
  clientId: string;

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
  @ForeignKey('logout_orders', { name: 'logout_deliveries_order_id_fkey' })
  @Column('uuid', { name: 'order_id', nullable: true })
  orderId: string | null;

  @Column('text', { name: 'last_error', nullable: true })
  lastError: string | null;
}
