import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/**
 * An application that fails on its back channel. There is a row only while it fails: the first answer that shows it to
 * be alive removes the row.
 */
@Entity('logout_delivery_breakers')
export class DeliveryBreakerEntity {
  @ForeignKey('clients', { name: 'logout_delivery_breakers_client_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn('text', { name: 'client_id', primaryKeyConstraintName: 'logout_delivery_breakers_pkey' })
  clientId: string;

  /** One after the other, by any node. */
  @Column('integer')
  failures: number;

  /** Since it opened: the pause before the next probe grows with them. */
  @Column('integer', { name: 'failed_probes' })
  failedProbes: number;

  /** Null while failures are being counted and notices still go out. */
  @Column('timestamptz', { name: 'opened_at', nullable: true })
  openedAt: Date | null;

  /** When the next probe may go; while one is under way, when its claim lapses. */
  @Column('timestamptz', { name: 'probe_at' })
  probeAt: Date;

  @Column('text', { name: 'last_error', nullable: true })
  lastError: string | null;
}
