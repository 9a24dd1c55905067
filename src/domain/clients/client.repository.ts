import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { ChangeFeed } from '../../platform/database/change-feed.js';
import { toPage, type Page, type PageRequest } from '../../platform/database/page.js';
import { expiredRows, Retention } from '../../platform/database/retention.js';
import { anyOf } from '../../platform/database/sql-text.js';
import { statement, typed, type RowOf } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import type { ClientMetadata } from '../../platform/oidc/client-metadata.js';
import type { StoredClient } from './stored-client.js';

const COLUMNS = {
  client_id: 'text',
  secret_hash: 'bytea?',
  registration_token_hash: 'bytea?',
  metadata: typed<ClientMetadata>('jsonb'),
  created_at: 'timestamptz',
  updated_at: 'timestamptz',
  deleted_at: 'timestamptz?',
  disabled_at: 'timestamptz?',
  enabled_at: 'timestamptz?',
  token_generation: 'int',
  scope_since: typed<Readonly<Record<string, number>> | null>('jsonb?'),
  first_used_at: 'timestamptz?',
  environment_secret_hash: 'bytea?',
} as const;
const SELECT = `SELECT ${Object.keys(COLUMNS).join(', ')} FROM clients`;

const FIND = statement({
  name: 'clients_find',
  parameters: { clientId: 'text' },
  row: COLUMNS,
  text: `${SELECT} WHERE client_id = :clientId AND deleted_at IS NULL`,
});

const FIND_EVEN_DELETED = statement({
  name: 'clients_find_even_deleted',
  parameters: { clientIds: 'text[]' },
  row: COLUMNS,
  text: `${SELECT} WHERE client_id = ${anyOf(':clientIds')}`,
});

const LOCK = statement({
  name: 'clients_lock',
  parameters: { clientId: 'text' },
  row: COLUMNS,
  text: `${SELECT} WHERE client_id = :clientId FOR UPDATE`,
});

const WRITTEN = {
  clientId: 'text',
  secretHash: 'bytea?',
  registrationTokenHash: 'bytea?',
  metadata: typed<ClientMetadata>('jsonb'),
  createdAt: 'timestamptz',
  updatedAt: 'timestamptz',
  deletedAt: 'timestamptz?',
  disabledAt: 'timestamptz?',
  enabledAt: 'timestamptz?',
  tokenGeneration: 'int',
  scopeSince: typed<Readonly<Record<string, number>> | null>('jsonb?'),
  firstUsedAt: 'timestamptz?',
  environmentSecretHash: 'bytea?',
} as const;

const INSERT = statement({
  name: 'clients_insert',
  parameters: WRITTEN,
  text: `
    INSERT INTO clients (client_id, secret_hash, registration_token_hash, metadata, created_at, updated_at, deleted_at,
                         disabled_at, enabled_at, token_generation, scope_since, first_used_at, environment_secret_hash)
    VALUES (:clientId, :secretHash, :registrationTokenHash, :metadata, :createdAt, :updatedAt, :deletedAt,
            :disabledAt, :enabledAt, :tokenGeneration, :scopeSince, :firstUsedAt, :environmentSecretHash)`,
});

const UPDATE = statement({
  name: 'clients_update',
  ends: true,
  parameters: WRITTEN,
  text: `
    UPDATE clients
       SET secret_hash = :secretHash, registration_token_hash = :registrationTokenHash, metadata = :metadata,
           created_at = :createdAt, updated_at = :updatedAt, deleted_at = :deletedAt, disabled_at = :disabledAt,
           enabled_at = :enabledAt, token_generation = :tokenGeneration, scope_since = :scopeSince, first_used_at = :firstUsedAt,
           environment_secret_hash = :environmentSecretHash
     WHERE client_id = :clientId`,
});

const DISABLE = statement({
  name: 'clients_disable',
  ends: true,
  parameters: { clientId: 'text', now: 'timestamptz' },
  row: { client_id: 'text' },
  text: `
    UPDATE clients SET disabled_at = :now, updated_at = :now, token_generation = token_generation + 1
     WHERE client_id = :clientId AND deleted_at IS NULL AND disabled_at IS NULL RETURNING client_id`,
});

// Whole seconds, as `iat` is: what is issued in the second of its return counts as issued after it.
const ENABLE = statement({
  name: 'clients_enable',
  parameters: { clientId: 'text', now: 'timestamptz' },
  text: `
    UPDATE clients SET disabled_at = NULL, enabled_at = date_trunc('second', :now), updated_at = :now
     WHERE client_id = :clientId AND deleted_at IS NULL AND disabled_at IS NOT NULL`,
});

const DELETE = statement({
  name: 'clients_delete',
  ends: true,
  parameters: { clientId: 'text', now: 'timestamptz' },
  text: `
    UPDATE clients SET deleted_at = :now, secret_hash = NULL, registration_token_hash = NULL
     WHERE client_id = :clientId AND deleted_at IS NULL`,
});

const FIRST_USE = statement({
  name: 'clients_first_use',
  parameters: { clientId: 'text', now: 'timestamptz' },
  text: 'UPDATE clients SET first_used_at = :now WHERE client_id = :clientId AND first_used_at IS NULL',
});

const IS_ORIGIN = statement({
  name: 'clients_is_origin',
  parameters: { origin: 'text' },
  row: { found: 'int' },
  text: `
    SELECT 1 AS found FROM clients
     WHERE client_origins(metadata) @> ARRAY[:origin] AND deleted_at IS NULL AND disabled_at IS NULL LIMIT 1`,
});

// One comparison, so that the index in the order of the list is entered where the page begins.
const LIST = statement({
  name: 'clients_list',
  parameters: { cursor: 'text?', search: 'text?', limit: 'int' },
  row: COLUMNS,
  plannedAnew: true,
  text: `
    ${SELECT} c
     WHERE c.deleted_at IS NULL
       AND (c.created_at, c.client_id) < (
         CASE WHEN :cursor IS NULL THEN 'infinity' ELSE (SELECT k.created_at FROM clients k WHERE k.client_id = :cursor) END, :cursor)
       AND (:search IS NULL OR starts_with(c.client_id, :search)
            OR position(lower(:search) IN lower(coalesce(c.metadata ->> 'client_name', ''))) > 0)
     ORDER BY c.created_at DESC, c.client_id DESC LIMIT :limit`,
});

/** Open registration may be used by every program, so a registration that is never used does not stay for ever. */
const UNUSED = expiredRows({
  name: 'clients_remove_unused',
  table: 'clients',
  key: 'client_id',
  condition:
    'created_at < :before AND first_used_at IS NULL AND registration_token_hash IS NOT NULL AND deleted_at IS NULL',
  along: 'created_at',
});

/**
 * The table `clients`. Every write notifies the other nodes when it commits, so that none continues by what it
 * remembers.
 */
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
    const { unusedClientMs } = this.settings;
    if (unusedClientMs > 0) this.retention.register({ ...UNUSED, keepMs: unusedClientMs });
  }

  async find(clientId: string): Promise<StoredClient | undefined> {
    const [row] = await this.transactions.query(FIND, { clientId });
    return row === undefined ? undefined : toStored(row);
  }

  /** Those that exist or did until lately. */
  async findEvenDeleted(clientIds: readonly string[]): Promise<readonly StoredClient[]> {
    return (await this.transactions.query(FIND_EVEN_DELETED, { clientIds })).map(toStored);
  }

  /** Its row is locked until the transaction ends, so that two administrators do not undo each other. */
  async lock(tx: Tx, clientId: string): Promise<StoredClient | undefined> {
    const row = await this.lockEvenDeleted(tx, clientId);
    return row?.deletedAt === null ? row : undefined;
  }

  /** As {@link lock}, also when it was deleted lately. */
  async lockEvenDeleted(tx: Tx, clientId: string): Promise<StoredClient | undefined> {
    const [row] = await tx.query(LOCK, { clientId });
    return row === undefined ? undefined : toStored(row);
  }

  /** @throws a unique violation of `clients_pkey` when the id is taken */
  async insert(tx: Tx, client: StoredClient): Promise<void> {
    await tx.query(INSERT, client);
    await this.changes.publish(tx, 'client', client.clientId);
  }

  /** Writes every column of a row that the transaction has locked. */
  async update(tx: Tx, client: StoredClient): Promise<void> {
    await tx.query(UPDATE, client);
    await this.changes.publish(tx, 'client', client.clientId);
  }

  /** False: it was disabled before, or there is none. */
  async disable(tx: Tx, clientId: string): Promise<boolean> {
    const rows = await tx.query(DISABLE, { clientId, now: this.clock.now() });
    await this.changes.publish(tx, 'client', clientId);
    return rows.length === 1;
  }

  async enable(tx: Tx, clientId: string): Promise<void> {
    await tx.query(ENABLE, { clientId, now: this.clock.now() });
    await this.changes.publish(tx, 'client', clientId);
  }

  async delete(tx: Tx, clientId: string): Promise<void> {
    await tx.query(DELETE, { clientId, now: this.clock.now() });
    await this.changes.publish(tx, 'client', clientId);
  }

  /** It got a token for the first time. */
  async markUsed(clientId: string): Promise<void> {
    await this.transactions.query(FIRST_USE, { clientId, now: this.clock.now() });
  }

  /** Whether some enabled client's redirect URI has this origin. */
  async isOrigin(origin: string): Promise<boolean> {
    return (await this.transactions.query(IS_ORIGIN, { origin })).length > 0;
  }

  /** Newest first. `search` matches the id's beginning or a part of the name. */
  async list({
    cursor,
    search,
    limit,
  }: PageRequest & { readonly search?: string | undefined }): Promise<Page<StoredClient>> {
    const rows = await this.transactions.list(LIST, { cursor, search, limit: limit + 1 });
    return toPage(rows.map(toStored), limit, ({ clientId }) => clientId);
  }
}

function toStored(row: RowOf<typeof COLUMNS>): StoredClient {
  return {
    clientId: row.client_id,
    secretHash: row.secret_hash,
    registrationTokenHash: row.registration_token_hash,
    metadata: row.metadata,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deletedAt: row.deleted_at,
    disabledAt: row.disabled_at,
    enabledAt: row.enabled_at,
    tokenGeneration: row.token_generation,
    scopeSince: row.scope_since,
    firstUsedAt: row.first_used_at,
    environmentSecretHash: row.environment_secret_hash,
  };
}
