import { Injectable, type OnModuleInit } from '@nestjs/common';
import { expiredRows, Retention } from '../../platform/database/retention.js';
import { statement } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';

const USE = statement({
  name: 'client_assertions_use',
  parameters: { clientId: 'text', jtiHash: 'bytea', expiresAt: 'timestamptz' },
  row: { client_id: 'text' },
  text: `
    INSERT INTO used_client_assertions (client_id, jti_hash, expires_at) VALUES (:clientId, :jtiHash, :expiresAt)
    ON CONFLICT DO NOTHING RETURNING client_id`,
});

const EXPIRED = expiredRows({
  name: 'client_assertions_remove_expired',
  table: 'used_client_assertions',
  key: 'client_id, jti_hash',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

/** The table `used_client_assertions`: each client assertion is good once, on whichever node (RFC 7523 §3). */
@Injectable()
export class UsedAssertionRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register({ ...EXPIRED, keepMs: 0 });
  }

  /** False: it was used before. @param expiresAt from when on it is refused anyway */
  async use(clientId: string, jtiHash: Buffer, expiresAt: Date): Promise<boolean> {
    return (await this.transactions.query(USE, { clientId, jtiHash, expiresAt })).length === 1;
  }
}
