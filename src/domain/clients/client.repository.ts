import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { In, IsNull } from 'typeorm';
import { Clock } from '../../platform/clock/clock.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { ChangeFeed } from '../../platform/database/change-feed.js';
import type { PageRequest } from '../../platform/database/page.js';
import { Retention, type RetentionRule } from '../../platform/database/retention.js';
import { statement } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { DELETED_CLIENT_KEPT_MS } from './clients.sql.js';
import { ClientEntity } from './entities/client.entity.js';
import type { StoredClient } from './stored-client.js';

const IS_ORIGIN = statement(
  'clients_is_origin',
  `SELECT 1 FROM clients WHERE client_origins(metadata) @> ARRAY[$1::text] AND deleted_at IS NULL AND disabled_at IS NULL LIMIT 1`,
);

const FIRST_USE = statement(
  'clients_first_use',
  'UPDATE clients SET first_used_at = $2 WHERE client_id = $1 AND first_used_at IS NULL',
);
const DISABLE = statement(
  'clients_disable',
  `UPDATE clients SET disabled_at = $2, updated_at = $2, token_generation = token_generation + 1
    WHERE client_id = $1 AND deleted_at IS NULL AND disabled_at IS NULL RETURNING client_id`,
);

// Whole seconds, as `iat` is: what is issued in the second of its return counts as issued after it.
const ENABLE = statement(
  'clients_enable',
  `UPDATE clients SET disabled_at = NULL, enabled_at = date_trunc('second', $2::timestamptz), updated_at = $2
    WHERE client_id = $1 AND deleted_at IS NULL AND disabled_at IS NOT NULL RETURNING client_id`,
);

/** The table `clients`. Every write tells the other nodes when it commits, so that none goes on by what it remembers. */
@Injectable()
export class ClientRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly changes: ChangeFeed,
    private readonly clock: Clock,
    private readonly retention: Retention,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onModuleInit(): void {
    this.retention.register(
      { table: 'clients', key: 'client_id', condition: 'deleted_at < $1', keepMs: DELETED_CLIENT_KEPT_MS },
      ...this.unusedClients(),
      { table: 'used_client_assertions', key: 'client_id, jti_hash', condition: 'expires_at < $1', keepMs: 0 },
    );
  }

  /** Open registration may be used by every program, so a registration that is never used does not stay for ever. */
  private unusedClients(): readonly RetentionRule[] {
    const { unusedClientMs: keepMs } = this.settings;
    if (keepMs === 0) return [];
    const condition =
      'created_at < $1 AND first_used_at IS NULL AND registration_token_hash IS NOT NULL AND deleted_at IS NULL';
    return [{ table: 'clients', key: 'client_id', condition, keepMs }];
  }

  async find(clientId: string): Promise<StoredClient | undefined> {
    return (await this.transactions.reader.findOneBy(ClientEntity, { clientId, deletedAt: IsNull() })) ?? undefined;
  }

  /** Those that exist or did until lately. */
  async findEvenDeleted(clientIds: readonly string[]): Promise<readonly StoredClient[]> {
    return this.transactions.reader.findBy(ClientEntity, { clientId: In([...clientIds]) });
  }

  /** Its row is locked until the transaction ends, so that two administrators do not undo each other. */
  async lock(tx: Tx, clientId: string): Promise<StoredClient | undefined> {
    const row = await this.lockEvenDeleted(tx, clientId);
    return row?.deletedAt === null ? row : undefined;
  }

  /** As {@link lock}, also when it was deleted lately. */
  async lockEvenDeleted(tx: Tx, clientId: string): Promise<StoredClient | undefined> {
    const row = await tx.manager.findOne(ClientEntity, { where: { clientId }, lock: { mode: 'pessimistic_write' } });
    return row ?? undefined;
  }

  /** @throws a unique violation of `clients_pkey` when the id is taken */
  async insert(tx: Tx, row: StoredClient): Promise<void> {
    await tx.manager.insert(ClientEntity, row as never);
    await this.changes.publish(tx, 'client', row.clientId);
  }

  /** Writes every column of a row that the transaction has locked. */
  async update(tx: Tx, row: StoredClient): Promise<void> {
    const { clientId, ...columns } = row;
    await tx.manager.update(ClientEntity, { clientId }, columns as never);
    await this.changes.publish(tx, 'client', clientId);
  }

  /** False: it was disabled before, or there is none. */
  async disable(tx: Tx, clientId: string): Promise<boolean> {
    const rows = await tx.query(DISABLE, [clientId, this.clock.now()]);
    await this.changes.publish(tx, 'client', clientId);
    return rows.length === 1;
  }

  async enable(tx: Tx, clientId: string): Promise<void> {
    await tx.query(ENABLE, [clientId, this.clock.now()]);
    await this.changes.publish(tx, 'client', clientId);
  }

  async delete(tx: Tx, clientId: string): Promise<void> {
    await tx.manager.update(
      ClientEntity,
      { clientId, deletedAt: IsNull() },
      { deletedAt: this.clock.now(), secretHash: null, registrationTokenHash: null },
    );
    await this.changes.publish(tx, 'client', clientId);
  }

  /** It got a token for the first time. */
  async markUsed(clientId: string): Promise<void> {
    await this.transactions.query(FIRST_USE, [clientId, this.clock.now()]);
  }

  /** Whether some enabled client's redirect URI has this origin. */
  async isOrigin(origin: string): Promise<boolean> {
    return (await this.transactions.query(IS_ORIGIN, [origin])).length > 0;
  }

  /** Newest first, one more than the page holds. `search` matches the id's beginning or a part of the name. */
  async list(options: PageRequest & { readonly search?: string | undefined }): Promise<readonly StoredClient[]> {
    const query = this.transactions.reader
      .createQueryBuilder(ClientEntity, 'c')
      .where('c.deletedAt IS NULL')
      .orderBy('c.createdAt', 'DESC')
      .addOrderBy('c.clientId', 'DESC')
      .take(options.limit + 1);
    if (options.cursor !== undefined) {
      query.andWhere(
        '(c.createdAt, c.clientId) < (SELECT k.created_at, k.client_id FROM clients k WHERE k.client_id = :cursor)',
        { cursor: options.cursor },
      );
    }
    if (options.search !== undefined) {
      query.andWhere(
        "(starts_with(c.clientId, :search) OR position(lower(:search) in lower(coalesce(c.metadata->>'client_name', ''))) > 0)",
        { search: options.search },
      );
    }
    return query.getMany();
  }
}
