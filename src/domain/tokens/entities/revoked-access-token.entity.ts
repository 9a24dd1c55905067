import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Single access tokens revoked before their time; a row is needed only until the token expires. */
@Entity('revoked_access_tokens')
@Index('revoked_access_tokens_expires_at_idx', ['expiresAt'])
export class RevokedAccessTokenEntity {
  /** The nil uuid for a client's own token, and for a JWT that was revoked before tokens named the account. */
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'revoked_access_tokens_pkey' })
  accountId: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'revoked_access_tokens_pkey' })
  jti: string;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;
}
