import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Single access tokens revoked before their time; a row is needed only until the token expires. */
@Entity('revoked_access_tokens')
@Index('revoked_access_tokens_expires_at_idx', ['expiresAt'])
export class RevokedAccessTokenEntity {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'revoked_access_tokens_pkey' })
  jti: string;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;
}
