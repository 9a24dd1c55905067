import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/**
 * An application took part in a session: recorded when it redeems a code, whatever becomes of its tokens
 * (docs/threat-model.md#participation-by-token).
 */
@Entity('session_clients')
@Index('session_clients_client_id_session_id_idx', ['clientId', 'sessionId'])
@Index('session_clients_account_id_client_id_sid_key', ['accountId', 'clientId', 'sid'], { unique: true })
@ForeignKey('sessions', ['accountId', 'sessionId'], ['accountId', 'id'], {
  name: 'session_clients_account_id_session_id_fkey',
  onDelete: 'CASCADE',
})
export class SessionClientEntity {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'session_clients_pkey' })
  accountId: string;

  @PrimaryColumn('uuid', { name: 'session_id', primaryKeyConstraintName: 'session_clients_pkey' })
  sessionId: string;

  @ForeignKey('clients', { name: 'session_clients_client_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn('text', { name: 'client_id', primaryKeyConstraintName: 'session_clients_pkey' })
  clientId: string;

  /** The session as this client knows it (Back-Channel Logout 1.0 §2.1), so that clients cannot compare notes. */
  @Column('text')
  sid: string;

  @Column('timestamptz', { name: 'joined_at' })
  joinedAt: Date;

  /** The newest logout order when it began (`orders.sql.ts`), or of the client that it was notified of since. */
  @Column('bigint', { name: 'began_after_order', default: 0 })
  beganAfterOrder: string;
}
