import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@Entity('logout_delivery_attempts')
export class BackChannelLogoutAttemptEntity {
  @ForeignKey('logout_deliveries', { name: 'logout_delivery_attempts_delivery_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn('uuid', { name: 'delivery_id', primaryKeyConstraintName: 'logout_delivery_attempts_pkey' })
  deliveryId: string;

  @PrimaryColumn('integer', { primaryKeyConstraintName: 'logout_delivery_attempts_pkey' })
  number: number;

  /** `jti` of the token that was sent: a fresh one each time. */
  @Column('text')
  jti: string;

  @Column('timestamptz', { name: 'started_at' })
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
