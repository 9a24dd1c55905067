import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** What one subject allowed one client. Every token from it carries its id; revoking it kills them all. */
@Entity('grants')
@Index('grants_session_id_idx', ['sessionId'])
@Index('grants_account_id_idx', ['accountId'])
@Index('grants_client_id_idx', ['clientId'])
@Index('grants_upstream_id_idx', ['upstreamId', 'id'], { where: 'upstream_id IS NOT NULL' })
@Check('grants_revoked_cause_check', '(revoked_at IS NULL) = (revoked_cause IS NULL)')
export class GrantEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'grants_pkey' })
  id: string;

  @ForeignKey('accounts', { name: 'grants_account_id_fkey', onDelete: 'CASCADE' })
  @Column('uuid', { name: 'account_id' })
  accountId: string;

  @ForeignKey('clients', { name: 'grants_client_id_fkey', onDelete: 'CASCADE' })
  @Column('text', { name: 'client_id' })
  clientId: string;

  /** The session it was made in. Without `offline_access` it lives no longer than that session. */
  @ForeignKey('sessions', { name: 'grants_session_id_fkey', onDelete: 'SET NULL' })
  @Column('uuid', { name: 'session_id', nullable: true })
  sessionId: string | null;

  @Column('boolean')
  offline: boolean;

  @Column('text')
  scope: string;

  /** The `claims` request parameter (OpenID Connect Core 1.0 §5.5). */
  @Column('jsonb', { nullable: true })
  claims: Record<string, unknown> | null;

  @Column('timestamptz', { name: 'authenticated_at' })
  authenticatedAt: Date;

  @Column('text', { array: true })
  amr: string[];

  /** The upstream by which a facilitator signed the person in; null: our own sign-in. */
  @Column('text', { nullable: true })
  realm: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt: Date | null;

  @Column('text', { name: 'revoked_cause', nullable: true })
  revokedCause: string | null;

  /**
   * The upstream whose word it rests on: the last sign-in that counted for the client when it was made. Null: our own.
   * Kept here, since the grant may outlive its session.
   */
  @Column('uuid', { name: 'upstream_id', nullable: true })
  upstreamId: string | null;

  /** The newest logout order when it began (`orders.sql.ts`): younger orders may have ended it. */
  @Column('bigint', { name: 'began_after_order', default: 0 })
  beganAfterOrder: string;
}
