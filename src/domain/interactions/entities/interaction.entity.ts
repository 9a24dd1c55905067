import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { AuthorizationRequest } from '../authorization-request.js';

/**
 * What has come of an interaction, in which a person is asked something before an authorization request can be answered. One
 * that was sealed in its address has a row from its first session or its answer on, without client and request; one that
 * was too long for an address has one from the beginning.
 */
@Entity('interactions')
@Index('interactions_expires_at_idx', ['expiresAt'])
export class InteractionEntity {
  /** SHA-256 of a secret: the one that is sealed in the address, or the one that the address begins with. */
  @PrimaryColumn('bytea', { name: 'id_hash', primaryKeyConstraintName: 'interactions_pkey' })
  idHash: Buffer;

  /**
   * SHA-256 of the browser cookie that started it: no other browser may continue it
   * (docs/threat-model.md#callback-used-twice).
   */
  @Column('bytea', { name: 'browser_hash' })
  browserHash: Buffer;

  @ForeignKey('clients', { name: 'interactions_client_id_fkey', onDelete: 'CASCADE' })
  @Column('text', { name: 'client_id', nullable: true })
  clientId: string | null;

  /** The validated request, where it is stored. */
  @Column('jsonb', { nullable: true })
  request: AuthorizationRequest | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  /** When the application was answered. Nothing is answered from it again. */
  @Column('timestamptz', { name: 'answered_at', nullable: true })
  answeredAt: Date | null;

  /** The person proved who they are within this interaction, in this session, which may be gone by now. */
  @Column('uuid', { name: 'session_id', nullable: true })
  sessionId: string | null;
}
