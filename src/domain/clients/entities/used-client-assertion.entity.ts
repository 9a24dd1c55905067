import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** `jti` values of client assertions, single use on every node (RFC 7523 §3; docs/threat-model.md#assertion-replay). */
@Entity('used_client_assertions')
@Index('used_client_assertions_expires_at_idx', ['expiresAt'])
export class UsedClientAssertionEntity {
  @PrimaryColumn('text', { name: 'client_id', primaryKeyConstraintName: 'used_client_assertions_pkey' })
  clientId: string;

  @PrimaryColumn('bytea', { name: 'jti_hash', primaryKeyConstraintName: 'used_client_assertions_pkey' })
  jtiHash: Buffer;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;
}
