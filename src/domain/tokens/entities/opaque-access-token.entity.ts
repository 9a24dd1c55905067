import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * Access tokens of clients that asked for opaque ones. JWT access tokens are not stored. No foreign keys: a token is good
 * only together with its grant and its client, and goes when it has expired.
 */
@Entity('opaque_access_tokens')
@Index('opaque_access_tokens_expires_at_idx', ['expiresAt'])
@Index('opaque_access_tokens_before_routing_idx', ['tokenHash'], { where: 'before_routing' })
export class OpaqueAccessTokenEntity {
  /** The nil uuid for a token of the client's own. */
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'opaque_access_tokens_pkey' })
  accountId: string;

  @PrimaryColumn('bytea', { name: 'token_hash', primaryKeyConstraintName: 'opaque_access_tokens_pkey' })
  tokenHash: Buffer;

  /** Its identity in answers and in the denylist, as `jti` is for a JWT. */
  @Column('text')
  jti: string;

  /** Null for `client_credentials`. */
  @Column('uuid', { name: 'grant_id', nullable: true })
  grantId: string | null;

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

  /** Issued before tokens named the account: it does not. */
  @Column('boolean', { name: 'before_routing', default: false })
  beforeRouting: boolean;
}
