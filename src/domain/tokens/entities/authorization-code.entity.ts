import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Entity('authorization_codes')
@Index('authorization_codes_grant_id_idx', ['grantId'])
@Index('authorization_codes_expires_at_idx', ['expiresAt'])
export class AuthorizationCodeEntity {
  @PrimaryColumn('bytea', { name: 'code_hash', primaryKeyConstraintName: 'authorization_codes_pkey' })
  codeHash: Buffer;

  @ForeignKey('grants', { name: 'authorization_codes_grant_id_fkey', onDelete: 'CASCADE' })
  @Column('uuid', { name: 'grant_id' })
  grantId: string;

  /** Null when the request named none, which needs exactly one registered URI. */
  @Column('text', { name: 'redirect_uri', nullable: true })
  redirectUri: string | null;

  /** The registered URI by which the code went out: once that is removed, it is not redeemed. Null: it went nowhere. */
  @Column('text', { name: 'registered_uri', nullable: true })
  registeredUri: string | null;

  /** S256 challenge (RFC 7636 §4.2). */
  @Column('text', { name: 'code_challenge', nullable: true })
  codeChallenge: string | null;

  @Column('text', { nullable: true })
  nonce: string | null;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'consumed_at', nullable: true })
  consumedAt: Date | null;
}
