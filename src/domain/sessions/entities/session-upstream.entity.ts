import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A session began, or was confirmed, by a sign-in at another provider: what a logout there and a logout here need. */
@Entity('session_upstreams')
@Index('session_upstreams_issuer_sid_idx', ['issuer', 'sid'])
@Index('session_upstreams_issuer_sub_idx', ['issuer', 'sub'])
@Index('session_upstreams_upstream_id_idx', ['upstreamId', 'accountId', 'sessionId'])
@ForeignKey('sessions', ['accountId', 'sessionId'], ['accountId', 'id'], {
  name: 'session_upstreams_account_id_session_id_fkey',
  onDelete: 'CASCADE',
})
export class SessionUpstreamEntity {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'session_upstreams_pkey' })
  accountId: string;

  @PrimaryColumn('uuid', { name: 'session_id', primaryKeyConstraintName: 'session_upstreams_pkey' })
  sessionId: string;

  /** A `sid` means something only together with its issuer (Back-Channel Logout 1.0 §2.1). */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'session_upstreams_pkey' })
  issuer: string;

  /** No foreign key: the session continues when an operator removes the upstream. */
  @Column('uuid', { name: 'upstream_id' })
  upstreamId: string;

  @Column('text')
  sub: string;

  @Column('text', { nullable: true })
  sid: string | null;

  /** The ID token, sealed: the `id_token_hint` of a logout there. */
  @Column('text', { name: 'id_token' })
  idToken: string;

  @Column('timestamptz', { name: 'authenticated_at' })
  authenticatedAt: Date;

  /** The newest logout order when it began (`orders.sql.ts`): younger orders may have ended it. */
  @Column('bigint', { name: 'began_after_order', default: 0 })
  beganAfterOrder: string;
}
