import { Injectable, type OnModuleInit } from '@nestjs/common';
import { expiredRows, Retention } from '../../platform/database/retention.js';
import { statement } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';

const INSERT = statement({
  name: 'console_sessions_insert',
  parameters: { id: 'uuid', clientId: 'text', expiresAt: 'timestamptz' },
  text: 'INSERT INTO console_sessions (id, client_id, expires_at) VALUES (:id, :clientId, :expiresAt)',
});

const IS_ALIVE = statement({
  name: 'console_sessions_is_alive',
  parameters: { id: 'uuid', clientId: 'text', now: 'timestamptz' },
  row: { found: 'int' },
  text: 'SELECT 1 AS found FROM console_sessions WHERE id = :id AND client_id = :clientId AND expires_at > :now',
});

const DELETE = statement({
  name: 'console_sessions_delete',
  ends: true,
  parameters: { id: 'uuid' },
  text: 'DELETE FROM console_sessions WHERE id = :id',
});

const EXPIRED = expiredRows({
  name: 'console_sessions_remove_expired',
  table: 'console_sessions',
  key: 'id',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

/** The table `console_sessions`: operators who came in by a client's secret. */
@Injectable()
export class ConsoleSessionRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register({ ...EXPIRED, keepMs: 0 });
  }

  async insert(id: string, clientId: string, expiresAt: Date): Promise<void> {
    await this.transactions.query(INSERT, { id, clientId, expiresAt });
  }

  async isAlive(id: string, clientId: string, now: Date): Promise<boolean> {
    return (await this.transactions.query(IS_ALIVE, { id, clientId, now })).length > 0;
  }

  async delete(id: string): Promise<void> {
    await this.transactions.query(DELETE, { id });
  }
}
