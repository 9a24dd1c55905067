import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** How far the notices of an order reach for one application: the next one is not due before `next_at`. */
@Entity('logout_order_applications')
export class LogoutOrderApplicationEntity {
  @ForeignKey('logout_orders', { name: 'logout_order_applications_order_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn('uuid', { name: 'order_id', primaryKeyConstraintName: 'logout_order_applications_pkey' })
  orderId: string;

  /** No foreign key: the record outlives the client. */
  @PrimaryColumn('text', { name: 'client_id', primaryKeyConstraintName: 'logout_order_applications_pkey' })
  clientId: string;

  @Column('integer')
  deliveries: number;

  @Column('timestamptz', { name: 'next_at' })
  nextAt: Date;
}
