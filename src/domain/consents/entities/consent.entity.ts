import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** What a person once allowed an application, so that they are not asked again (Core §3.1.2.4). */
@Entity('consents')
@Index('consents_client_id_idx', ['clientId', 'accountId'])
export class ConsentEntity {
  @ForeignKey('accounts', { name: 'consents_account_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'consents_pkey' })
  accountId: string;

  @ForeignKey('clients', { name: 'consents_client_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn('text', { name: 'client_id', primaryKeyConstraintName: 'consents_pkey' })
  clientId: string;

  @Column('text', { array: true })
  scope: string[];

  /** Names of single claims allowed through the `claims` parameter. */
  @Column('text', { array: true })
  claims: string[];

  @Column('timestamptz', { name: 'granted_at' })
  grantedAt: Date;
}
