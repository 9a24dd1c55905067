import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** An organization, and the provider that its people sign in with. */
@Entity('organizations')
@Index('organizations_default_key', ['isDefault'], { unique: true, where: 'is_default' })
export class OrganizationEntity {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'organizations_pkey' })
  id: string;

  @Column('text')
  name: string;

  /** Null: this provider itself. */
  @ForeignKey('upstreams', { name: 'organizations_upstream_id_fkey', onDelete: 'RESTRICT' })
  @Column('uuid', { name: 'upstream_id', nullable: true })
  upstreamId: string | null;

  @Column('boolean', { name: 'is_default' })
  isDefault: boolean;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
