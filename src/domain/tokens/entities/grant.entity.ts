import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/**
 * What one subject allowed one client, with its code and its refresh token. Every token from it names it; revoking it kills
 * them all.
 *
 * What a code exchange and a rotation write is in no index, so that both leave the indexes alone
 * (docs/decisions/0054-refresh-by-generation.md).
 */
@Entity('grants')
@Index('grants_id_idx', ['id'])
// Partial, so that it serves what names a session and nothing that names a grant: before statistics are there it would look as
// good as the key, and read all grants of the person.
@Index('grants_account_id_session_id_idx', ['accountId', 'sessionId'], { where: 'session_id IS NOT NULL' })
@Index('grants_client_id_idx', ['clientId', 'accountId', 'id'])
@Index('grants_upstream_id_idx', ['upstreamId', 'accountId', 'id'], { where: 'upstream_id IS NOT NULL' })
@Index('grants_keep_until_idx', ['keepUntil'])
@Index('grants_before_routing_code_hash_idx', ['codeHash'], { where: 'before_routing AND code_hash IS NOT NULL' })
@Check('grants_revoked_cause_check', '(revoked_at IS NULL) = (revoked_cause IS NULL)')
export class GrantEntity {
  @ForeignKey('accounts', { name: 'grants_account_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'grants_pkey' })
  accountId: string;

  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'grants_pkey' })
  id: string;

  @ForeignKey('clients', { name: 'grants_client_id_fkey', onDelete: 'CASCADE' })
  @Column('text', { name: 'client_id' })
  clientId: string;

  /**
   * The session it was made in. Without `offline_access` it lives no longer than that session, whose row may be gone by
   * now: no foreign key, so that removing old sessions does not write here.
   */
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

  /** The client's generation when it began: scopes that the client got back later are not the grant's (`scopeGrantedTo`). */
  @Column('integer', { name: 'client_generation', default: 0 })
  clientGeneration: number;

  /** SHA-256 of the code. */
  @Column('bytea', { name: 'code_hash', nullable: true })
  codeHash: Buffer | null;

  @Column('timestamptz', { name: 'code_expires_at', nullable: true })
  codeExpiresAt: Date | null;

  @Column('timestamptz', { name: 'code_consumed_at', nullable: true })
  codeConsumedAt: Date | null;

  /** S256 challenge (RFC 7636 §4.2). */
  @Column('text', { name: 'code_challenge', nullable: true })
  codeChallenge: string | null;

  @Column('text', { nullable: true })
  nonce: string | null;

  /** Null when the request named none, which needs exactly one registered URI. */
  @Column('text', { name: 'redirect_uri', nullable: true })
  redirectUri: string | null;

  /** The registered URI by which the code went out: once that is removed, it is not redeemed. Null: it went nowhere. */
  @Column('text', { name: 'registered_uri', nullable: true })
  registeredUri: string | null;

  /** SHA-256 of the random part that every refresh token of the grant has. Null: it has none. */
  @Column('bytea', { name: 'refresh_root_hash', nullable: true })
  refreshRootHash: Buffer | null;

  /** Of the refresh token that is good now. An older one has been used. */
  @Column('integer', { name: 'refresh_generation', default: 0 })
  refreshGeneration: number;

  /** When the generation before this one was used. */
  @Column('timestamptz', { name: 'refreshed_at', nullable: true })
  refreshedAt: Date | null;

  @Column('timestamptz', { name: 'refresh_expires_at', nullable: true })
  refreshExpiresAt: Date | null;

  /** The last day (UTC) on which something of it may be asked for. A day, so that a rotation seldom changes it. */
  @Column('date', { name: 'keep_until' })
  keepUntil: string;

  /** Made before codes and tokens named the account: what names it may not. */
  @Column('boolean', { name: 'before_routing', default: false })
  beforeRouting: boolean;
}
