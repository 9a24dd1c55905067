import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** An authorization request that a client has pushed, until a browser comes with its `request_uri` (RFC 9126 §2). */
@Entity('pushed_requests')
@Index('pushed_requests_expires_at_idx', ['expiresAt'])
export class PushedRequestEntity {
  /** SHA-256 of what stands behind the prefix of the `request_uri`. */
  @PrimaryColumn('bytea', { name: 'id_hash', primaryKeyConstraintName: 'pushed_requests_pkey' })
  idHash: Buffer;

  @ForeignKey('clients', { name: 'pushed_requests_client_id_fkey', onDelete: 'CASCADE' })
  @Index('pushed_requests_client_id_idx')
  @Column('text', { name: 'client_id' })
  clientId: string;

  /** As they would stand in a query, without what the client proved itself by. */
  @Column('jsonb')
  parameters: Readonly<Record<string, string>>;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  /** When the application was answered. Nothing is answered from it again. */
  @Column('timestamptz', { name: 'used_at', nullable: true })
  usedAt: Date | null;
}
