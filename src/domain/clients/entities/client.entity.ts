import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { ClientMetadata } from '../../../platform/oidc/client-metadata.js';

@Entity('clients')
@Index('clients_created_at_idx', ['createdAt', 'clientId'])
// What retention looks for, and nothing else.
@Index('clients_deleted_at_idx', ['deletedAt'], { where: 'deleted_at IS NOT NULL' })
@Index('clients_unused_idx', ['createdAt'], {
  where: 'first_used_at IS NULL AND registration_token_hash IS NOT NULL AND deleted_at IS NULL',
})
export class ClientEntity {
  @PrimaryColumn('text', { name: 'client_id', primaryKeyConstraintName: 'clients_pkey' })
  clientId: string;

  /** SHA-256 of a generated 256-bit secret, so that a slow hash would add nothing. */
  @Column('bytea', { name: 'secret_hash', nullable: true })
  secretHash: Buffer | null;

  /** SHA-256 of the registration access token (RFC 7592 §3). */
  @Column('bytea', { name: 'registration_token_hash', nullable: true })
  registrationTokenHash: Buffer | null;

  @Column('jsonb')
  metadata: ClientMetadata;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;

  /** A deleted client stays readable for its pending notices. */
  @Column('timestamptz', { name: 'deleted_at', nullable: true })
  deletedAt: Date | null;

  @Column('timestamptz', { name: 'disabled_at', nullable: true })
  disabledAt: Date | null;

  /** The last time that it was enabled again. Its own tokens from before stay dead. */
  @Column('timestamptz', { name: 'enabled_at', nullable: true })
  enabledAt: Date | null;

  /**
   * Raised whenever something is taken from the client that its own tokens rest on. They carry the number and die with
   * it: a moment would not do, since nodes have clocks of their own and one of them may know the old secret a while longer.
   */
  @Column('integer', { name: 'token_generation', default: 0 })
  tokenGeneration: number;

  /**
   * In which generation it was registered for a scope that it had not had just before; of the scopes that it has. A grant
   * from an earlier one does not get it. Null: it has the scopes that it began with.
   */
  @Column('jsonb', { name: 'scope_since', nullable: true })
  scopeSince: Readonly<Record<string, number>> | null;

  /** When it got its first token; known of clients that registered themselves. Null: never used, as far as we know. */
  @Column('timestamptz', { name: 'first_used_at', nullable: true })
  firstUsedAt: Date | null;

  /** SHA-256 of the secret that the environment gave last, so that a start does not undo a rotation since. */
  @Column('bytea', { name: 'environment_secret_hash', nullable: true })
  environmentSecretHash: Buffer | null;
}
