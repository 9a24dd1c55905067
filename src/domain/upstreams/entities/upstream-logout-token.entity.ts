import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * A logout token that was carried out. It is used once, on whichever node (Back-Channel Logout 1.0 §2.6, step 8), and a
 * sign-in that was under way when it came finds here that it is over.
 */
@Entity('upstream_logout_tokens')
@Index('upstream_logout_tokens_expires_at_idx', ['expiresAt'])
@Index('upstream_logout_tokens_issuer_sid_idx', ['issuer', 'sid'])
@Index('upstream_logout_tokens_issuer_sub_idx', ['issuer', 'sub'])
export class UpstreamLogoutTokenEntity {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'upstream_logout_tokens_pkey' })
  issuer: string;

  @PrimaryColumn('bytea', { name: 'jti_hash', primaryKeyConstraintName: 'upstream_logout_tokens_pkey' })
  jtiHash: Buffer;

  @Column('text', { nullable: true })
  sub: string | null;

  @Column('text', { nullable: true })
  sid: string | null;

  @Column('timestamptz', { name: 'issued_at' })
  issuedAt: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;
}
