import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Entity('refresh_tokens')
@Index('refresh_tokens_grant_id_idx', ['grantId'])
@Index('refresh_tokens_expires_at_idx', ['expiresAt'])
export class RefreshTokenEntity {
  @PrimaryColumn('bytea', { name: 'token_hash', primaryKeyConstraintName: 'refresh_tokens_pkey' })
  tokenHash: Buffer;

  @ForeignKey('grants', { name: 'refresh_tokens_grant_id_fkey', onDelete: 'CASCADE' })
  @Column('uuid', { name: 'grant_id' })
  grantId: string;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'consumed_at', nullable: true })
  consumedAt: Date | null;

  /**
   * Random salt chosen when this token was used. The successor is HMAC-SHA-256(token, salt): the same token presented
   * again inside the grace gives the same successor, and neither the token alone nor this row alone yields it.
   */
  @Column('bytea', { name: 'successor_salt', nullable: true })
  successorSalt: Buffer | null;
}
