import { Injectable, type OnModuleInit } from '@nestjs/common';
import { expiredRows, Retention } from '../../platform/database/retention.js';
import { sql, statement, typed } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { KEPT_MS, OPEN_MS } from './interaction-times.js';
import { PUSHED_REQUEST, usePushedRequest } from './pushed-requests.sql.js';

/** An interaction that began with it is open for an hour and kept for a day. */
const KEPT_AFTER_EXPIRY_MS = OPEN_MS + KEPT_MS;

/** As they would stand in a query. */
export type PushedParameters = Readonly<Record<string, string>>;

/** A pushed request that has not expired. */
export interface StoredPushedRequest {
  readonly parameters: PushedParameters;
  readonly usedAt: Date | null;
}

const INSERT = statement({
  name: 'pushed_requests_insert',
  parameters: {
    ...PUSHED_REQUEST,
    clientId: 'text',
    parameters: typed<PushedParameters>('jsonb'),
    expiresAt: 'timestamptz',
  },
  text: `
    INSERT INTO pushed_requests (id_hash, client_id, parameters, expires_at)
    VALUES (:pushedHash, :clientId, :parameters, :expiresAt)`,
});

const FIND = statement({
  name: 'pushed_requests_find',
  parameters: { ...PUSHED_REQUEST, clientId: 'text', now: 'timestamptz' },
  row: { parameters: typed<PushedParameters>('jsonb'), used_at: 'timestamptz?' },
  text: `
    SELECT parameters, used_at FROM pushed_requests
     WHERE id_hash = :pushedHash AND client_id = :clientId AND expires_at > :now`,
});

const IS_USED = statement({
  name: 'pushed_requests_is_used',
  parameters: PUSHED_REQUEST,
  row: { is_used: 'boolean' },
  text: 'SELECT NOT EXISTS (SELECT FROM pushed_requests WHERE id_hash = :pushedHash AND used_at IS NULL) AS is_used',
});

const USE = statement({
  name: 'pushed_requests_use',
  parameters: { ...PUSHED_REQUEST, now: 'timestamptz' },
  row: { id_hash: 'bytea' },
  text: sql`
    WITH one AS (SELECT 1),
    ${usePushedRequest(['one'])}
    SELECT id_hash FROM used`,
});

const EXPIRED = expiredRows({
  name: 'pushed_requests_remove_expired',
  table: 'pushed_requests',
  key: 'id_hash',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

/** The table `pushed_requests`. */
@Injectable()
export class PushedRequestRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    // A person who opened it at its last moment answers it within an interaction's day.
    this.retention.register({ ...EXPIRED, keepMs: KEPT_AFTER_EXPIRY_MS });
  }

  async insert(pushedHash: Buffer, clientId: string, parameters: PushedParameters, expiresAt: Date): Promise<void> {
    await this.transactions.query(INSERT, { pushedHash, clientId, parameters, expiresAt });
  }

  /** Undefined when it is unknown, has expired, or is another client's. */
  async find(pushedHash: Buffer, clientId: string, now: Date): Promise<StoredPushedRequest | undefined> {
    const [row] = await this.transactions.query(FIND, { pushedHash, clientId, now });
    return row === undefined ? undefined : { parameters: row.parameters, usedAt: row.used_at };
  }

  /** Whether it was answered, or is gone. */
  async isUsed(pushedHash: Buffer): Promise<boolean> {
    return (await this.transactions.query(IS_USED, { pushedHash }))[0]?.is_used !== false;
  }

  /** False when it was used up before. */
  async use(pushedHash: Buffer, now: Date): Promise<boolean> {
    return (await this.transactions.query(USE, { pushedHash, now })).length === 1;
  }
}
