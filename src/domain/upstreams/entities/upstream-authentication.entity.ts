import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A browser was sent to another provider and is to come back once. */
@Entity('upstream_authentications')
@Index('upstream_authentications_expires_at_idx', ['expiresAt'])
export class UpstreamAuthenticationEntity {
  /** SHA-256 of `state`. Nonce and code verifier follow from `state`, so nothing of use stands here. */
  @PrimaryColumn('bytea', { name: 'state_hash', primaryKeyConstraintName: 'upstream_authentications_pkey' })
  stateHash: Buffer;

  @ForeignKey('upstreams', { name: 'upstream_authentications_upstream_id_fkey', onDelete: 'CASCADE' })
  @Column('uuid', { name: 'upstream_id' })
  upstreamId: string;

  /**
   * SHA-256 of the browser cookie: no other browser can bring the response (docs/threat-model.md#callback-used-twice).
   */
  @Column('bytea', { name: 'browser_hash' })
  browserHash: Buffer;

  /** What the sign-in is for, sealed: the interaction's id is a key to it. */
  @Column('text')
  purpose: string;

  @Column('integer', { name: 'max_age', nullable: true })
  maxAge: number | null;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;
}
