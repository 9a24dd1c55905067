import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { expiredRows, Retention } from '../../platform/database/retention.js';
import { statement } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';

/** What is stored of a round trip. */
export interface StoredAuthentication {
  readonly stateHash: Buffer;
  readonly upstreamId: string;
  readonly browserHash: Buffer;
  /** Sealed. */
  readonly purpose: string;
  readonly maxAge: number | undefined;
  readonly expiresAt: Date;
}

const INSERT = statement({
  name: 'upstream_authentications_insert',
  parameters: {
    stateHash: 'bytea',
    upstreamId: 'uuid',
    browserHash: 'bytea',
    purpose: 'text',
    maxAge: 'int?',
    expiresAt: 'timestamptz',
  },
  text: `
    INSERT INTO upstream_authentications (state_hash, upstream_id, browser_hash, purpose, max_age, expires_at)
    VALUES (:stateHash, :upstreamId, :browserHash, :purpose, :maxAge, :expiresAt)`,
});

const CONSUME = statement({
  name: 'upstream_authentications_consume',
  parameters: { stateHash: 'bytea', upstreamId: 'uuid', browserHash: 'bytea', now: 'timestamptz' },
  row: { purpose: 'text', max_age: 'int?', expires_at: 'timestamptz', in_time: 'boolean' },
  text: `
    DELETE FROM upstream_authentications
     WHERE state_hash = :stateHash AND upstream_id = :upstreamId AND browser_hash = :browserHash
    RETURNING purpose, max_age, expires_at, expires_at > :now AS in_time`,
});

const EXPIRED = expiredRows({
  name: 'upstream_authentications_remove_expired',
  table: 'upstream_authentications',
  key: 'state_hash',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

/** The table `upstream_authentications`. */
@Injectable()
export class UpstreamAuthenticationRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register({ ...EXPIRED, keepMs: 0 });
  }

  async insert(authentication: StoredAuthentication): Promise<void> {
    await this.transactions.query(INSERT, authentication);
  }

  /** Removes it. Undefined: there is none, or it has expired. */
  async consume(
    key: Pick<StoredAuthentication, 'stateHash' | 'upstreamId' | 'browserHash'>,
  ): Promise<Pick<StoredAuthentication, 'purpose' | 'maxAge' | 'expiresAt'> | undefined> {
    const [row] = await this.transactions.query(CONSUME, { ...key, now: this.clock.now() });
    if (row?.in_time !== true) return undefined;
    return { purpose: row.purpose, maxAge: row.max_age ?? undefined, expiresAt: row.expires_at };
  }
}
