import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** Who a person at another provider is here. Only (issuer, sub) says so: an e-mail address is a mere claim. */
@Entity('upstream_identities')
@Index('upstream_identities_account_id_idx', ['accountId'])
export class UpstreamIdentityEntity {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'upstream_identities_pkey' })
  issuer: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'upstream_identities_pkey' })
  sub: string;

  @ForeignKey('accounts', { name: 'upstream_identities_account_id_fkey', onDelete: 'CASCADE' })
  @Column('uuid', { name: 'account_id' })
  accountId: string;

  /** The account was made for this identity, so its claims follow what the upstream says at each sign-in. */
  @Column('boolean', { name: 'owns_claims' })
  ownsClaims: boolean;

  @Column('timestamptz', { name: 'linked_at' })
  linkedAt: Date;
}
