import { Injectable, type OnModuleInit } from '@nestjs/common';
import { withdrawVerification } from '../accounts/accounts.sql.js';
import { statement, typed, type RowOf } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { KeptSecrets, keptSecret } from '../../platform/keys/kept-secrets.js';
import type { CheckedUpstream, UpstreamConfiguration } from './upstream-registration.js';

/** What the client secret of an upstream is sealed for. */
export const UPSTREAM_CLIENT_SECRET = 'upstream-client-secret';

const COLUMNS = {
  id: 'uuid',
  name: 'text',
  issuer: 'text',
  client_id: 'text',
  client_secret: 'text?',
  configuration: typed<UpstreamConfiguration>('jsonb'),
  created_at: 'timestamptz',
  updated_at: 'timestamptz',
} as const;
const SELECT = `SELECT ${Object.keys(COLUMNS).join(', ')} FROM upstreams`;

const LIST = statement({ name: 'upstreams_list', row: COLUMNS, text: `${SELECT} ORDER BY name` });

const LOCK = statement({
  name: 'upstreams_lock',
  parameters: { name: 'text' },
  row: COLUMNS,
  text: `${SELECT} WHERE name = :name FOR UPDATE`,
});

const INSERT = statement({
  name: 'upstreams_insert',
  parameters: {
    id: 'uuid',
    name: 'text',
    issuer: 'text',
    clientId: 'text',
    clientSecret: 'text?',
    configuration: typed<UpstreamConfiguration>('jsonb'),
    createdAt: 'timestamptz',
    updatedAt: 'timestamptz',
  },
  text: `
    INSERT INTO upstreams (id, name, issuer, client_id, client_secret, configuration, created_at, updated_at)
    VALUES (:id, :name, :issuer, :clientId, :clientSecret, :configuration, :createdAt, :updatedAt)`,
});

// Another issuer publishes other endpoints.
const UPDATE = statement({
  name: 'upstreams_update',
  ends: true,
  parameters: {
    id: 'uuid',
    name: 'text',
    issuer: 'text',
    clientId: 'text',
    clientSecret: 'text?',
    configuration: typed<UpstreamConfiguration>('jsonb'),
    updatedAt: 'timestamptz',
  },
  text: `
    UPDATE upstreams
       SET name = :name, issuer = :issuer, client_id = :clientId, client_secret = :clientSecret,
           configuration = :configuration, updated_at = :updatedAt,
           metadata = CASE WHEN issuer = :issuer THEN metadata END,
           metadata_at = CASE WHEN issuer = :issuer THEN metadata_at END
     WHERE id = :id`,
});

const DELETE = statement({
  name: 'upstreams_delete',
  ends: true,
  parameters: { id: 'uuid' },
  text: 'DELETE FROM upstreams WHERE id = :id',
});

const FIND_CLIENT_SECRET = statement({
  name: 'upstreams_find_client_secret',
  parameters: { id: 'uuid' },
  row: { client_secret: 'text?' },
  text: 'SELECT client_secret FROM upstreams WHERE id = :id',
});

const FIND_METADATA = statement({
  name: 'upstreams_find_metadata',
  parameters: { id: 'uuid' },
  row: { metadata: typed<Readonly<Record<string, unknown>>>('jsonb!'), metadata_at: 'timestamptz!' },
  text: `
    SELECT metadata, metadata_at FROM upstreams
     WHERE id = :id AND metadata IS NOT NULL AND metadata_at IS NOT NULL`,
});

const STORE_METADATA = statement({
  name: 'upstreams_store_metadata',
  parameters: {
    id: 'uuid',
    issuer: 'text',
    metadata: typed<Readonly<Record<string, unknown>>>('jsonb'),
    at: 'timestamptz',
  },
  text: 'UPDATE upstreams SET metadata = :metadata, metadata_at = :at WHERE id = :id AND issuer = :issuer',
});

const VOUCHED_FOR = 'SELECT i.account_id FROM upstream_identities i WHERE i.issuer = :issuer AND i.owns_claims';

const DISTRUST_EMAIL = statement({
  name: 'upstreams_distrust_email',
  parameters: { issuer: 'text', trusted: 'boolean', domains: 'text[]?', now: 'timestamptz' },
  text: withdrawVerification(
    'email_verified',
    VOUCHED_FOR,
    `NOT (:trusted AND (:domains IS NULL OR lower(split_part(a.claims ->> 'email', '@', -1)) = ANY (:domains)))`,
    ':now',
  ),
});

const DISTRUST_PHONE_NUMBER = statement({
  name: 'upstreams_distrust_phone_number',
  parameters: { issuer: 'text', trusted: 'boolean', now: 'timestamptz' },
  text: withdrawVerification('phone_number_verified', VOUCHED_FOR, 'NOT :trusted', ':now'),
});

const CLIENT_SECRETS = keptSecret({
  name: 'upstreams',
  table: 'upstreams',
  key: ['id'],
  column: 'client_secret',
  purpose: UPSTREAM_CLIENT_SECRET,
});

export interface StoredUpstream extends CheckedUpstream {
  readonly id: string;
  /** Sealed. */
  readonly clientSecret: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What an upstream published about itself, and when it was read. */
export interface StoredMetadata {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly at: Date;
}

/** The table `upstreams`. */
@Injectable()
export class UpstreamRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly kept: KeptSecrets,
  ) {}

  onModuleInit(): void {
    this.kept.register(CLIENT_SECRETS);
  }

  /** All of them, by name. */
  async list(): Promise<readonly StoredUpstream[]> {
    return (await this.transactions.query(LIST, {})).map(toStored);
  }

  /** Its row is locked until the transaction ends. */
  async lock(tx: Tx, name: string): Promise<StoredUpstream | undefined> {
    const [row] = await tx.query(LOCK, { name });
    return row === undefined ? undefined : toStored(row);
  }

  /** @throws a unique violation of `upstreams_name_key` or `upstreams_issuer_client_id_key` */
  async insert(tx: Tx, upstream: StoredUpstream): Promise<void> {
    await tx.query(INSERT, upstream);
  }

  /** Writes a row that the transaction has locked. Forgets the metadata of another issuer. @throws as {@link insert} */
  async update(tx: Tx, upstream: StoredUpstream): Promise<void> {
    await tx.query(UPDATE, upstream);
  }

  /** @throws a foreign key violation while an organization points at it */
  async delete(tx: Tx, id: string): Promise<void> {
    await tx.query(DELETE, { id });
  }

  /** Sealed. Undefined: it has none. */
  async findClientSecret(id: string): Promise<string | undefined> {
    const [row] = await this.transactions.query(FIND_CLIENT_SECRET, { id });
    return row?.client_secret ?? undefined;
  }

  async findMetadata(id: string): Promise<StoredMetadata | undefined> {
    const [row] = await this.transactions.query(FIND_METADATA, { id });
    return row === undefined ? undefined : { metadata: row.metadata, at: row.metadata_at };
  }

  /** Nothing is written when its issuer has become another. */
  async storeMetadata(
    upstream: { readonly id: string; readonly issuer: string },
    { metadata, at }: StoredMetadata,
  ): Promise<void> {
    await this.transactions.query(STORE_METADATA, { id: upstream.id, issuer: upstream.issuer, metadata, at });
  }

  /**
   * Addresses that were verified on this issuer's word are so no more.
   * @param kept those that stay so: none, or those in `domains`, which is null where it is trusted for all
   */
  async distrustEmail(
    tx: Tx,
    issuer: string,
    kept: { readonly trusted: boolean; readonly domains: readonly string[] | null },
    now: Date,
  ): Promise<void> {
    await tx.query(DISTRUST_EMAIL, { ...kept, issuer, now });
  }

  /** As {@link distrustEmail}. Nothing is written when it is trusted. */
  async distrustPhoneNumber(tx: Tx, issuer: string, trusted: boolean, now: Date): Promise<void> {
    await tx.query(DISTRUST_PHONE_NUMBER, { issuer, trusted, now });
  }
}

function toStored(row: RowOf<typeof COLUMNS>): StoredUpstream {
  return {
    id: row.id,
    name: row.name,
    issuer: row.issuer,
    clientId: row.client_id,
    clientSecret: row.client_secret,
    configuration: row.configuration,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
