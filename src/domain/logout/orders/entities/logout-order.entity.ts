import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { TerminationCause } from '../../command/logout.js';
import type { OrderedBy, OrderPhase, OrderState } from '../logout-order.js';

/**
 * An operator's order to end any number of sessions. The row alone is what ends them: every statement that asks whether
 * something is alive looks here (`orders.sql.ts`). Rows are few and are kept.
 */
@Entity('logout_orders')
@Index('logout_orders_number_key', ['number'], { unique: true })
@Index('logout_orders_target_idx', ['target', 'number'])
@Index('logout_orders_idempotency_key', ['operator', 'idempotencyKey'], {
  unique: true,
  where: 'idempotency_key IS NOT NULL',
})
@Index('logout_orders_due_idx', ['nextStepAt'], { where: `state <> 'done'` })
@Check('logout_orders_state_check', `state IN ('queued', 'running', 'paused', 'done')`)
@Check('logout_orders_phase_check', `phase IN ('sessions', 'grants', 'late', 'notices')`)
@Check('logout_orders_ordered_by_check', `ordered_by IN ('operator', 'client')`)
export class LogoutOrderEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'logout_orders_pkey' })
  id: string;

  /** Its place among all orders: greater than that of every order that committed before it. */
  @Column('bigint')
  number: string;

  /** `everyone`, or `account:`, `client:`, `client-offline:`, `upstream:` and an id. No foreign key: it outlives what it names. */
  @Column('text')
  target: string;

  /** What the operator calls the upstream. */
  @Column('text', { name: 'upstream_name', nullable: true })
  upstreamName: string | null;

  @Column('text', { nullable: true })
  reason: string | null;

  @Column('integer', { name: 'notify_per_second' })
  notifyPerSecond: number;

  /** The client of the operator. */
  @Column('text')
  operator: string;

  /** Whose client `operator` is: an operator's, or its own (it deleted itself). */
  @Column('text', { name: 'ordered_by', default: 'operator' })
  orderedBy: OrderedBy;

  /** The cause that records, notices and receipts name. */
  @Column('text', { default: 'logout_order' })
  cause: TerminationCause;

  @Column('text', { name: 'idempotency_key', nullable: true })
  idempotencyKey: string | null;

  /** For people; what it ends is decided by `number`. */
  @Column('timestamptz', { name: 'ordered_at' })
  orderedAt: Date;

  @Column('text')
  state: OrderState;

  @Column('text')
  phase: OrderPhase;

  /** The last row that the phase has looked at. */
  @Column('text', { nullable: true })
  cursor: string | null;

  /** How many sessions it is about; null until the job has counted them all. */
  @Column('integer', { nullable: true })
  total: number | null;

  /** Those that the job has counted so far, up to `cursor`. */
  @Column('integer', { default: 0 })
  counted: number;

  @Column('integer', { default: 0 })
  done: number;

  @Column('integer', { name: 'grants_revoked', default: 0 })
  grantsRevoked: number;

  @Column('integer', { default: 0 })
  deliveries: number;

  /** It was paused: notices that were held back need a new time. */
  @Column('boolean', { default: false })
  holds: boolean;

  /** When the last of its notices is due. */
  @Column('timestamptz', { name: 'last_notice_at', nullable: true })
  lastNoticeAt: Date | null;

  /** When the job looks at it next. */
  @Column('timestamptz', { name: 'next_step_at' })
  nextStepAt: Date;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;
}
