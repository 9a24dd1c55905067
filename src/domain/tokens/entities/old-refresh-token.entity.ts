import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * Refresh tokens from before they were generations of their grant's (docs/decisions/0054-refresh-by-generation.md). Nothing
 * is added or changed, and each goes when it has expired.
 */
@Entity('old_refresh_tokens')
@Index('old_refresh_tokens_grant_id_idx', ['grantId'])
@Index('old_refresh_tokens_expires_at_idx', ['expiresAt'])
export class OldRefreshTokenEntity {
  @PrimaryColumn('bytea', { name: 'token_hash', primaryKeyConstraintName: 'old_refresh_tokens_pkey' })
  tokenHash: Buffer;

  @Column('uuid', { name: 'grant_id' })
  grantId: string;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'consumed_at', nullable: true })
  consumedAt: Date | null;

  /** The successor was HMAC-SHA-256(token, salt). Null with `consumedAt`: it was invalidated and has none. */
  @Column('bytea', { name: 'successor_salt', nullable: true })
  successorSalt: Buffer | null;
}
