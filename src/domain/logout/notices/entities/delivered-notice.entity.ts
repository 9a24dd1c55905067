import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * A notice that its application accepted, with the attempt that it accepted. Kept by the day of its termination's id
 * (docs/decisions/0055-the-ledger-by-day.md). Written once and never changed.
 */
@Entity('logout_delivered')
@Index('logout_delivered_client_id_idx', ['clientId', 'terminationId', 'id'])
@Index('logout_delivered_finished_at_idx', ['finishedAt', 'clientId', 'createdAt'])
@Index('logout_delivered_random_id_idx', ['id'], { where: 'random_id' })
export class DeliveredNoticeEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'logout_delivered_pkey' })
  id: string;

  @PrimaryColumn('uuid', { name: 'termination_id', primaryKeyConstraintName: 'logout_delivered_pkey' })
  terminationId: string;

  @Column('text', { name: 'client_id' })
  clientId: string;

  @Column('text')
  sub: string;

  @Column('text', { nullable: true })
  sid: string | null;

  @Column('integer', { default: 0 })
  attempts: number;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'resent_at', nullable: true })
  resentAt: Date | null;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;

  /** Null where the notice is of a version that did not keep it. */
  @Column('uuid', { name: 'account_id', nullable: true })
  accountId: string | null;

  /** Of the attempt that was accepted; null where it is among the attempts, as older versions wrote it. */
  @Column('text', { nullable: true })
  jti: string | null;

  @Column('timestamptz', { name: 'started_at', nullable: true })
  startedAt: Date | null;

  @Column('integer', { name: 'duration_ms', nullable: true })
  durationMs: number | null;

  @Column('integer', { nullable: true })
  status: number | null;

  /** The id does not begin with the time of the termination's, as older versions made it. */
  @Column('boolean', { name: 'random_id', default: false })
  randomId: boolean;
}
