import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * An attempt that was not accepted; the accepted one is in the row of the delivered notice. Kept by the day of its
 * beginning (docs/decisions/0055-the-ledger-by-day.md).
 */
@Entity('logout_delivery_attempts')
@Index('logout_delivery_attempts_started_at_idx', ['startedAt'])
export class BackChannelLogoutAttemptEntity {
  /** No foreign keys: the days of the ledger go by themselves. */
  @PrimaryColumn('uuid', { name: 'delivery_id', primaryKeyConstraintName: 'logout_delivery_attempts_pkey' })
  deliveryId: string;

  @PrimaryColumn('integer', { primaryKeyConstraintName: 'logout_delivery_attempts_pkey' })
  number: number;

  /** `jti` of the token that was sent: a fresh one each time. */
  @Column('text')
  jti: string;

  @PrimaryColumn('timestamptz', { name: 'started_at', primaryKeyConstraintName: 'logout_delivery_attempts_pkey' })
  startedAt: Date;

  @Column('integer', { name: 'duration_ms' })
  durationMs: number;

  /** HTTP status of the answer; null when there was none. */
  @Column('integer', { nullable: true })
  status: number | null;

  /** A stable code such as `timeout` or `http_503`; never the application's own words. */
  @Column('text', { name: 'error_code', nullable: true })
  errorCode: string | null;
}
