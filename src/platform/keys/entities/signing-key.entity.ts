import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('signing_keys')
@Check('signing_keys_alg_check', `alg IN ('RS256', 'ES256', 'EdDSA', 'A256GCM', 'HS256')`)
export class SigningKeyEntity {
  /** RFC 7638 thumbprint. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'signing_keys_pkey' })
  kid: string;

  /** A256GCM marks the symmetric key that seals form state, HS256 the one that routes; neither is ever published. */
  @Column('text')
  alg: string;

  /** Null for a symmetric key. */
  @Column('jsonb', { name: 'public_jwk', nullable: true })
  publicJwk: Record<string, unknown> | null;

  /** The private JWK: a compact JWE under `EXEUNT_SECRET`, or plain JSON where none is set. Null once retired. */
  @Column('text', { name: 'private_jwk', nullable: true })
  privateJwk: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  /** Published from creation, signs from here on. */
  @Column('timestamptz', { name: 'active_at' })
  activeAt: Date;

  /** Signs no more; still published until {@link unpublishAt}, still verifies hints for ever. */
  @Column('timestamptz', { name: 'retired_at', nullable: true })
  retiredAt: Date | null;

  @Column('timestamptz', { name: 'unpublish_at', nullable: true })
  unpublishAt: Date | null;
}
