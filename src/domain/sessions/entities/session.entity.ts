import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Entity('sessions')
@Index('sessions_account_id_cookie_hash_key', ['accountId', 'cookieHash'], { unique: true })
@Index('sessions_id_idx', ['id'])
@Index('sessions_before_routing_cookie_hash_idx', ['cookieHash'], { where: 'before_routing' })
@Index('sessions_live_account_id_id_idx', ['accountId', 'id'], { where: 'terminated_at IS NULL' })
@Index('sessions_live_idle_expires_at_idx', ['idleExpiresAt'], { where: 'terminated_at IS NULL' })
@Index('sessions_terminated_at_idx', ['terminatedAt'], { where: 'terminated_at IS NOT NULL' })
export class SessionEntity {
  @ForeignKey('accounts', { name: 'sessions_account_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'sessions_pkey' })
  accountId: string;

  /** Internal; what a client sees is the `sid` of `session_clients`. */
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'sessions_pkey' })
  id: string;

  /** SHA-256 of the cookie's value, which is stored nowhere. */
  @Column('bytea', { name: 'cookie_hash' })
  cookieHash: Buffer;

  /** When we last took a sign-in of the person's: `auth_time`, unless an upstream reported another. */
  @Column('timestamptz', { name: 'authenticated_at' })
  authenticatedAt: Date;

  /**
   * What the upstream of the last sign-in said of when it asked the person: `auth_time` is this then. Apart from
   * `authenticatedAt`, which says when the sign-in was taken here, and by which it may be ended.
   */
  @Column('timestamptz', { name: 'upstream_auth_time', nullable: true })
  upstreamAuthTime: Date | null;

  /** When the person last proved here, and not by another provider's word, who they are. */
  @Column('timestamptz', { name: 'own_sign_in_at', nullable: true })
  ownSignInAt: Date | null;

  @Column('text', { array: true })
  amr: string[];

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'last_seen_at' })
  lastSeenAt: Date;

  /** Never after `expiresAt`, so that one index finds both kinds of expired sessions. */
  @Column('timestamptz', { name: 'idle_expires_at' })
  idleExpiresAt: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  /**
   * Changes whenever an application joins or leaves, under this row's lock; so a logout notices one that joined while it
   * waited for the lock (`sessionAsSeen`). Who takes part is what `session_clients` says, and never this number.
   */
  @Column('integer', { name: 'client_count', default: 0 })
  clientCount: number;

  @Column('text', { nullable: true })
  address: string | null;

  @Column('text', { name: 'user_agent', nullable: true })
  userAgent: string | null;

  @Column('timestamptz', { name: 'terminated_at', nullable: true })
  terminatedAt: Date | null;

  @Column('uuid', { name: 'termination_id', nullable: true })
  terminationId: string | null;

  /** The newest logout order when it began (`orders.sql.ts`): younger orders may have ended it. */
  @Column('bigint', { name: 'began_after_order', default: 0 })
  beganAfterOrder: string;

  /** Its cookie is of before cookies named the account (`before-routing.ts`). */
  @Column('boolean', { name: 'before_routing', default: false })
  beforeRouting: boolean;
}
