import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A termination that lacks a receipt, or whose latest one does not say the whole of it any more. */
@Entity('logout_receipts_owed')
export class OwedReceiptEntity {
  @PrimaryColumn('uuid', { name: 'termination_id', primaryKeyConstraintName: 'logout_receipts_owed_pkey' })
  terminationId: string;

  @Column('timestamptz')
  since: Date;
}
