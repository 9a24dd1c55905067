import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A share of the pending notices. The node that has the lease claims in it (docs/decisions/0055-the-ledger-by-day.md). */
@Entity('logout_delivery_buckets')
export class DeliveryBucketEntity {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'logout_delivery_buckets_pkey' })
  bucket: number;

  @Column('uuid', { name: 'leased_by', nullable: true })
  leasedBy: string | null;

  @Column('timestamptz', { name: 'leased_until' })
  leasedUntil: Date;
}
