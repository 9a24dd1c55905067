import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** An operator who came in by a client's secret. It ends by leaving, for every copy of the cookie. */
@Entity('console_sessions')
@Index('console_sessions_client_id_idx', ['clientId'])
@Index('console_sessions_expires_at_idx', ['expiresAt'])
export class ConsoleSessionEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'console_sessions_pkey' })
  id: string;

  @ForeignKey('clients', { name: 'console_sessions_client_id_fkey', onDelete: 'CASCADE' })
  @Column('text', { name: 'client_id' })
  clientId: string;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;
}
