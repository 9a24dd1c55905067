import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { LogoutInitiator, TerminationCause } from '../../command/logout.js';
import type { WithoutNotice } from '../without-notice.js';

/**
 * The fact that sessions or grants were ended, who ended them and why. Kept by the day of its id
 * (docs/decisions/0055-the-ledger-by-day.md). Never changed but for {@link withoutNotice}, removed only by retention.
 */
@Entity('session_terminations')
@Index('session_terminations_account_id_idx', ['accountId', 'id'])
@Index('session_terminations_cause_idx', ['cause', 'id'])
export class SessionTerminationEntity {
  /** UUID v7 by our clock. */
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'session_terminations_pkey' })
  id: string;

  @Column('text')
  cause: TerminationCause;

  @Column('jsonb')
  initiator: LogoutInitiator;

  /** Whose sessions; null when the target was no single person. No foreign key: the record outlives the account. */
  @Column('uuid', { name: 'account_id', nullable: true })
  accountId: string | null;

  @Column('integer')
  sessions: number;

  @Column('integer', { name: 'grants_revoked' })
  grantsRevoked: number;

  @Column('integer')
  deliveries: number;

  /** Applications that took part and get no notice: asked in the browser, or cannot be notified and why. */
  @Column('jsonb', { name: 'without_notice', default: [] })
  withoutNotice: WithoutNotice[];

  @Column('timestamptz', { name: 'occurred_at' })
  occurredAt: Date;
}
