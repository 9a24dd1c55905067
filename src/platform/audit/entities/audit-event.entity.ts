import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { AuditDetails, AuditEventName, AuditOutcome } from '../audit-event.js';

/**
 * One event of the record, kept by the day of its id (docs/decisions/0055-the-ledger-by-day.md). Never changed but for the
 * count of the same refusal, removed only by retention.
 */
@Entity('audit_events')
@Check('audit_events_outcome_check', `outcome IN ('done', 'refused', 'failed')`)
@Index('audit_events_event_idx', ['event', 'id'])
@Index('audit_events_refusal_key_idx', ['refusalKey', 'id'], { where: 'refusal_key IS NOT NULL' })
@Index('audit_events_refused_idx', ['id'], { where: `outcome = 'refused'` })
export class AuditEventEntity {
  /** UUID v7 by our clock, so its order is the order of time. */
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'audit_events_pkey' })
  id: string;

  @Column('timestamptz')
  at: Date;

  /** No check: an event that we no longer write stays in the record. */
  @Column('text')
  event: AuditEventName;

  @Column('text')
  outcome: AuditOutcome;

  /** No foreign keys: the record outlives what it is about. */
  @Column('jsonb')
  details: AuditDetails;

  /** Hash of the refusal and its minute; null for everything else. */
  @Column('bytea', { name: 'refusal_key', nullable: true })
  refusalKey: Buffer | null;
}
