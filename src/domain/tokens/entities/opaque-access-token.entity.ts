import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** Access tokens of clients that asked for opaque ones. JWT access tokens are not stored. */
@Entity('opaque_access_tokens')
@Index('opaque_access_tokens_grant_id_idx', ['grantId'])
@Index('opaque_access_tokens_expires_at_idx', ['expiresAt'])
export class OpaqueAccessTokenEntity {
  @PrimaryColumn('bytea', { name: 'token_hash', primaryKeyConstraintName: 'opaque_access_tokens_pkey' })
  tokenHash: Buffer;

  /** Its identity in answers and in the denylist, as `jti` is for a JWT. */
  @Column('text')
  jti: string;

  /** Null for `client_credentials`. */
  @ForeignKey('grants', { name: 'opaque_access_tokens_grant_id_fkey', onDelete: 'CASCADE' })
  @Column('uuid', { name: 'grant_id', nullable: true })
  grantId: string | null;

  @ForeignKey('clients', { name: 'opaque_access_tokens_client_id_fkey', onDelete: 'CASCADE' })
  @Column('text', { name: 'client_id' })
  clientId: string;

  @Column('text')
  scope: string;

  @Column('text', { array: true })
  audience: string[];

  @Column('timestamptz', { name: 'issued_at' })
  issuedAt: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  /** Of the client when it got this as a token of its own (`clients.token_generation`). */
  @Column('integer', { name: 'token_generation', default: 0 })
  tokenGeneration: number;
}
