import { randomBytes } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { In, IsNull } from 'typeorm';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { ChangeFeed } from '../../platform/database/change-feed.js';
import { Clock } from '../../platform/clock/clock.js';
import type { Page, PageRequest } from '../../platform/database/page.js';
import { Retention, type RetentionRule } from '../../platform/database/retention.js';
import { statement } from '../../platform/database/statement.js';
import { isUniqueViolation } from '../../platform/database/storage-errors.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import type { ClientMetadata } from '../../platform/oidc/client-metadata.js';
import { ConflictError, InvalidClientMetadataError, NotFoundError } from '../../platform/oidc/errors.js';
import { matchesHash, newSecret, sha256 } from '../../platform/oidc/secret.js';
import { isStorableText } from '../../platform/oidc/text.js';
import { checkPostLogoutRedirectUri, registeredMetadata, type RegistrationRules } from './client-registration.js';
import type { SecretReading } from './secret-readings.js';
import { provesBySecret, type Client, type RegisteredClient } from './client.js';
import { ClientEntity } from './entities/client.entity.js';
import { DELETED_CLIENT_KEPT_MS } from './clients.sql.js';
import { keepingAnAdministrator, proofStays } from './last-administrator.js';
import { isStillVetted } from './vetted.js';
import { takenFromClient, type TakenFromClient } from './taken-from-client.js';

/** A lost change notice is made good after this long. Revoked grants do not wait for it: they are dead in Postgres. */
const MAX_AGE = 30_000;
const CACHED_CLIENTS = 10_000;

/**
 * What else is to happen in the transaction of one change, it gets the members that are not secret, as they were and
 * are.
 */
export type ClientChanged = (
  tx: Tx,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
) => Promise<void>;
const nothingElse: ClientChanged = () => Promise.resolve();

/** What another module does in the transaction that changes a client's metadata. */
export type ClientChangeListener = (tx: Tx, before: ClientMetadata, after: Client) => Promise<void>;
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

/** A change of metadata, and what it takes away. */
export interface ChangedClient extends RegisteredClient {
  readonly taken: TakenFromClient;
}

/** What becomes of a client's metadata, and the secret that it gets with it. */
type Change = (before: ClientMetadata) => {
  readonly metadata: ClientMetadata;
  readonly clientSecret?: string | undefined;
};

interface Entry {
  isUsed: boolean;
  readonly client: Client;
  readonly secretHash: Buffer | null;
  readonly registrationTokenHash: Buffer | null;
}

/** The registry of clients. Reads come from memory; a change drops the entry on every node. */
@Injectable()
export class ClientsService implements OnModuleInit {
  private readonly changeListeners: ClientChangeListener[] = [];
  /** Counts changes that the change feed reported. */
  private generation = 0;
  private readonly cache = new LRUCache<string, Entry | 'unknown'>({ max: CACHED_CLIENTS, ttl: MAX_AGE });

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly changes: ChangeFeed,
    private readonly retention: Retention,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onModuleInit(): void {
    this.changes.subscribe('client', (clientId) => this.drop(clientId));
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

  /** It got a token. Written down once, and only of clients that registered themselves. */
  async used({ clientId }: Client): Promise<void> {
    const entry = await this.entry(clientId);
    if (entry === undefined || entry.registrationTokenHash === null || entry.isUsed) return;
    await this.transactions.query(FIRST_USE, [clientId, this.clock.now()]);
    entry.isUsed = true;
  }

  /** Registers what is to happen in the same transaction whenever a client's metadata change. */
  whenChanged(listener: ClientChangeListener): void {
    this.changeListeners.push(listener);
  }

  async find(clientId: string): Promise<Client | undefined> {
    return (await this.entry(clientId))?.client;
  }

  /** As {@link find}, unless it is disabled: what lets a client or its people in asks this. */
  async findEnabled(clientId: string): Promise<Client | undefined> {
    const client = await this.find(clientId);
    return client?.disabledAt === null ? client : undefined;
  }

  /** Whether some client's redirect URI has this origin. */
  async isOrigin(origin: string): Promise<boolean> {
    if (origin.length > 300 || !/^https?:\/\/[\x21-\x7e]+$/.test(origin)) return false;
    return (await this.transactions.query(IS_ORIGIN, [origin])).length > 0;
  }

  /** @throws NotFoundError */
  async get(clientId: string): Promise<Client> {
    const client = await this.find(clientId);
    if (client === undefined) throw new NotFoundError('There is no such client.');
    return client;
  }

  /** Those of the named clients that exist or did until lately: a deleted one still gets its pending notices. */
  async findEvenDeleted(clientIds: readonly string[]): Promise<Map<string, Client>> {
    const found = new Map<string, Client>();
    const missing: string[] = [];
    for (const clientId of clientIds) {
      const cached = this.cache.get(clientId);
      if (cached === undefined || cached === 'unknown') missing.push(clientId);
      else found.set(clientId, cached.client);
    }
    if (missing.length > 0) {
      const rows = await this.transactions.reader.findBy(ClientEntity, { clientId: In(missing) });
      for (const row of rows) {
        if (row.deletedAt === null) this.cache.set(row.clientId, toEntry(row));
        found.set(row.clientId, toEntry(row).client);
      }
    }
    return found;
  }

  /**
   * The client that proves by one of these secrets who it is; asked by {@link ClientSecrets}, which counts. Constant-time.
   * Undefined for a wrong secret, an unknown or disabled client, and one that proves itself in another way.
   * @param begin called before the first secret is looked at; from then on nothing is waited for, so however many ask at
   * once, each is counted before the next one is looked at
   */
  async findBySecret(readings: readonly SecretReading[], begin: () => void): Promise<Client | undefined> {
    const entries: Array<readonly [Entry | undefined, string]> = [];
    for (const { clientId, secret } of readings) entries.push([await this.entry(clientId), secret]);
    begin();
    const [proved] = entries.filter(([entry, secret]) => provesItself(entry, secret));
    const client = proved?.[0]?.client;
    return client?.disabledAt === null ? client : undefined;
  }

  /** Whether this is the secret that the client proves itself by, disabled or not. Constant-time. */
  async isSecret(clientId: string, secret: string): Promise<boolean> {
    return provesItself(await this.entry(clientId), secret);
  }

  async isRegistrationToken(clientId: string, token: string): Promise<boolean> {
    const entry = await this.entry(clientId);
    // A disabled client does not change what it would come back with.
    if (entry !== undefined && entry.client.disabledAt !== null) return false;
    return matchesHash(token, entry?.registrationTokenHash ?? null);
  }

  /**
   * Registers a client. Secrets are in the answer and nowhere else.
   * @throws InvalidRedirectUriError, InvalidClientMetadataError, ConflictError when the id is taken
   */
  async register(
    input: unknown,
    options: {
      readonly administrator: boolean;
      readonly clientId?: string | undefined;
      readonly clientSecret?: string | undefined;
      readonly alongside?: ClientChanged | undefined;
    },
  ): Promise<RegisteredClient> {
    const metadata = registeredMetadata(input, this.rules(options.administrator));
    refuseUselessSecret(metadata, options.clientSecret);
    const clientSecret = provesBySecret(metadata) ? (options.clientSecret ?? newSecret()) : undefined;
    const registrationAccessToken = options.administrator ? undefined : newSecret();
    const now = this.clock.now();
    const row = {
      clientId: options.clientId ?? newClientId(),
      secretHash: clientSecret === undefined ? null : sha256(clientSecret),
      registrationTokenHash: registrationAccessToken === undefined ? null : sha256(registrationAccessToken),
      metadata,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
      disabledAt: null,
      enabledAt: null,
      tokenGeneration: 0,
      firstUsedAt: null,
      environmentSecretHash: null,
    };
    try {
      await this.transactions.run(async (tx) => {
        await tx.manager.insert(ClientEntity, row as never);
        await options.alongside?.(tx, {}, { client_id: row.clientId, ...metadata });
        await this.changes.publish(tx, 'client', row.clientId);
      });
    } catch (error) {
      if (isUniqueViolation(error, 'clients_pkey'))
        throw new ConflictError('This client_id is taken.', { cause: error });
      throw error;
    } finally {
      // Also when another node was first: here it may be remembered as unknown.
      this.drop(row.clientId);
    }
    return { client: toEntry(row).client, clientSecret, registrationAccessToken };
  }

  /**
   * Replaces all metadata. A client that now needs a secret and has none gets one, shown here once. Whoever calls this
   * ends in the same transaction what the change takes away (`LogoutService`), and calls {@link forget} after it.
   */
  async replace(
    tx: Tx,
    clientId: string,
    input: unknown,
    options: {
      readonly administrator: boolean;
      readonly clientSecret?: string | undefined;
      readonly alongside?: ClientChanged | undefined;
    },
  ): Promise<ChangedClient> {
    const to: Change = (before) => {
      const metadata = registeredMetadata(input, this.rules(options.administrator, before));
      return {
        metadata: options.administrator ? metadata : { ...metadata, ...administratorsChoices(before, metadata) },
        clientSecret: options.clientSecret,
      };
    };
    return this.changeIn(tx, clientId, to, options.alongside);
  }

  /** JSON merge patch (RFC 7396) of the metadata: `null` removes a member. Called as {@link replace} is. */
  async patch(
    tx: Tx,
    clientId: string,
    patch: Readonly<Record<string, unknown>>,
    options: { readonly clientSecret?: string | undefined; readonly alongside?: ClientChanged | undefined } = {},
  ): Promise<ChangedClient> {
    const to: Change = (before) => ({
      clientSecret: options.clientSecret,
      metadata: registeredMetadata({ ...before, ...patch }, this.rules(true, before)),
    });
    return this.changeIn(tx, clientId, to, options.alongside);
  }

  /**
   * No grant is made for it from the commit on, on any node. Whoever calls this ends its grants in the same transaction
   * (`LogoutService`), and calls {@link forget} after it. False: it was disabled before, or there is none.
   * @throws ConflictError when nobody could administer the service any more
   */
  async disable(tx: Tx, clientId: string): Promise<boolean> {
    const { rows } = await keepingAnAdministrator(tx, clientId, this.settings.issuer, async () => ({
      rows: await tx.query(DISABLE, [clientId, this.clock.now()]),
      proofStays: true,
    }));
    await this.changes.publish(tx, 'client', clientId);
    return rows.length === 1;
  }

  /** What ended when it was disabled stays ended. Idempotent. @throws NotFoundError */
  async enable(clientId: string, alongside = nothingElse): Promise<Client> {
    await this.get(clientId);
    await this.transactions.run(async (tx) => {
      await tx.query(ENABLE, [clientId, this.clock.now()]);
      await alongside(tx, {}, {});
      await this.changes.publish(tx, 'client', clientId);
    });
    this.drop(clientId);
    return this.get(clientId);
  }

  /**
   * A new secret. The old one stops working here with the commit, and on other nodes as they learn of it (at most 30
   * s); tokens of the client's own from before, or got with the old one by then, are dead on every node at once.
   */
  async rotateSecret(clientId: string, alongside = nothingElse): Promise<RegisteredClient> {
    const clientSecret = newSecret();
    const to: Change = (before) => {
      if (!provesBySecret(before)) throw new ConflictError('This client does not authenticate with a secret.');
      return { metadata: before, clientSecret };
    };
    return this.change(clientId, to, alongside);
  }

  /** Idempotent. @throws InvalidRedirectUriError */
  async addPostLogoutRedirectUri(clientId: string, uri: string, alongside = nothingElse): Promise<readonly string[]> {
    const to: Change = (before) => {
      checkPostLogoutRedirectUri(uri, before, this.rules(true));
      return {
        metadata: { ...before, post_logout_redirect_uris: [...new Set([...before.post_logout_redirect_uris, uri])] },
      };
    };
    const { client } = await this.change(clientId, to, alongside);
    return client.metadata.post_logout_redirect_uris;
  }

  /** @throws NotFoundError when it was not registered */
  async removePostLogoutRedirectUri(clientId: string, uri: string, alongside = nothingElse): Promise<void> {
    const to: Change = (before) => {
      const uris = before.post_logout_redirect_uris.filter((registered) => registered !== uri);
      if (uris.length === before.post_logout_redirect_uris.length)
        throw new NotFoundError('This URI is not registered.');
      return { metadata: { ...before, post_logout_redirect_uris: uris } };
    };
    await this.change(clientId, to, alongside);
  }

  /**
   * The client is gone with the commit. Whoever calls this ends its grants in the same transaction (`LogoutService`), and
   * calls {@link forget} after it.
   * @throws ConflictError when nobody could administer the service any more
   */
  async delete(tx: Tx, clientId: string): Promise<void> {
    await keepingAnAdministrator(tx, clientId, this.settings.issuer, async () => {
      await tx.manager.update(
        ClientEntity,
        { clientId, deletedAt: IsNull() },
        { deletedAt: this.clock.now(), secretHash: null, registrationTokenHash: null },
      );
      return { proofStays: true };
    });
    await this.changes.publish(tx, 'client', clientId);
  }

  /** This node does not wait for its own notice of a change. */
  forget(clientId: string): void {
    this.drop(clientId);
  }

  /** Newest first. `search` matches the id's beginning or a part of the name. */
  async list(options: PageRequest & { readonly search?: string | undefined }): Promise<Page<Client>> {
    const query = this.transactions.reader
      .createQueryBuilder(ClientEntity, 'c')
      .where('c.deletedAt IS NULL')
      .orderBy('c.createdAt', 'DESC')
      .addOrderBy('c.clientId', 'DESC')
      .take(options.limit + 1);
    if (options.cursor !== undefined) {
      query.andWhere(
        '(c.createdAt, c.clientId) < (SELECT k.created_at, k.client_id FROM clients k WHERE k.client_id = :cursor)',
        {
          cursor: options.cursor,
        },
      );
    }
    if (options.search !== undefined) {
      query.andWhere(
        "(starts_with(c.clientId, :search) OR position(lower(:search) in lower(coalesce(c.metadata->>'client_name', ''))) > 0)",
        {
          search: options.search,
        },
      );
    }
    const rows = await query.getMany();
    const items = rows.slice(0, options.limit).map((row) => toEntry(row).client);
    return { items, nextCursor: rows.length > options.limit ? items.at(-1)?.clientId : undefined };
  }

  /** Registers a client unless there is one by this id, which is left as it is. */
  async ensureClient(clientId: string, clientSecret: string | undefined, input: unknown): Promise<RegisteredClient> {
    const existing = await this.find(clientId);
    if (existing === undefined) return this.register(input, { administrator: true, clientId, clientSecret });
    return { client: existing, clientSecret: undefined, registrationAccessToken: undefined };
  }

  private rules(administrator: boolean, before?: ClientMetadata): RegistrationRules {
    return {
      administrator,
      allowInsecure: this.settings.allowInsecureRedirectUris,
      before,
    };
  }

  private async change(clientId: string, to: Change, alongside: ClientChanged): Promise<RegisteredClient> {
    const changed = await this.transactions.run((tx) => this.changeIn(tx, clientId, to, alongside));
    this.drop(clientId);
    return changed;
  }

  /**
   * Reads, changes and writes under the row's lock, so that two administrators do not undo each other.
   * @throws ConflictError when nobody could administer the service any more
   */
  private async changeIn(
    tx: Tx,
    clientId: string,
    to: Change,
    alongside: ClientChanged = nothingElse,
  ): Promise<ChangedClient> {
    const { changed } = await keepingAnAdministrator(tx, clientId, this.settings.issuer, async () => {
      const row = await tx.manager.findOne(ClientEntity, {
        where: { clientId, deletedAt: IsNull() },
        lock: { mode: 'pessimistic_write' },
      });
      if (row === null) throw new NotFoundError('There is no such client.');
      const { metadata, clientSecret } = to(row.metadata);
      return {
        changed: await this.store(tx, row, metadata, { given: clientSecret, alongside }),
        proofStays: proofStays(row.metadata, metadata),
      };
    });
    await this.changes.publish(tx, 'client', clientId);
    return changed;
  }

  private async store(
    tx: Tx,
    row: ClientEntity,
    metadata: ClientMetadata,
    { given, alongside }: { readonly given: string | undefined; readonly alongside: ClientChanged },
  ): Promise<ChangedClient> {
    const secret = secretAfter(row, metadata, given);
    const taken = takenFromClient(row.metadata, metadata);
    const change = {
      metadata,
      updatedAt: this.clock.now(),
      secretHash: secret.hash,
      tokenGeneration: row.tokenGeneration + (taken.ownTokens || secret.replaced ? 1 : 0),
    };
    await tx.manager.update(ClientEntity, { clientId: row.clientId }, change as never);
    const { client } = toEntry({ ...row, ...change });
    for (const listener of this.changeListeners) await listener(tx, row.metadata, client);
    const replaced = secret.replaced || secret.shown !== undefined ? { client_secret: 'replaced' } : {};
    await alongside(tx, { ...row.metadata }, { ...metadata, ...replaced });
    return { client, clientSecret: secret.shown, registrationAccessToken: undefined, taken };
  }

  private drop(clientId: string | undefined): void {
    this.generation += 1;
    if (clientId === undefined) this.cache.clear();
    else this.cache.delete(clientId);
  }

  private async entry(clientId: string): Promise<Entry | undefined> {
    const cached = this.cache.get(clientId);
    if (cached !== undefined) return cached === 'unknown' ? undefined : cached;
    if (clientId.length > 255 || !isStorableText(clientId)) return undefined;
    const { generation } = this;
    const row = await this.transactions.reader.findOneBy(ClientEntity, { clientId, deletedAt: IsNull() });
    const entry = row === null ? 'unknown' : toEntry(row);
    // A change that came while we read may be newer than the row: then it is read again next time.
    if (generation === this.generation) this.cache.set(clientId, entry);
    return entry === 'unknown' ? undefined : entry;
  }
}

/**
 * The secret of a client whose metadata change. One that proves itself in another way keeps none: a secret that came
 * back with the method would be one that was taken away. One that needs a secret and has none gets one.
 */
function secretAfter(
  row: ClientEntity,
  metadata: ClientMetadata,
  given: string | undefined,
): { readonly hash: Buffer | null; readonly shown: string | undefined; readonly replaced: boolean } {
  refuseUselessSecret(metadata, given);
  if (!provesBySecret(metadata)) return { hash: null, shown: undefined, replaced: false };
  const unchanged = given === undefined || matchesHash(given, row.secretHash);
  if (row.secretHash !== null && unchanged) return { hash: row.secretHash, shown: undefined, replaced: false };
  const shown = given ?? newSecret();
  return { hash: sha256(shown), shown, replaced: row.secretHash !== null };
}

function refuseUselessSecret(metadata: ClientMetadata, given: string | undefined): void {
  if (given === undefined || provesBySecret(metadata)) return;
  throw new InvalidClientMetadataError(
    `client_secret is of no use to a client that authenticates by ${metadata.token_endpoint_auth_method}.`,
  );
}

/**
 * What only administrators set survives a client's own update of its registration (RFC 7592 §2.2), as long as the
 * client is still the one that they looked at.
 */
function administratorsChoices(before: ClientMetadata, after: ClientMetadata): Partial<ClientMetadata> {
  if (!isStillVetted(before, after)) return {};
  const { skip_consent, skip_logout_confirmation, headless_logout } = before;
  const { resource_server, audience, permissions } = before;
  return { skip_consent, skip_logout_confirmation, headless_logout, resource_server, audience, permissions };
}

function toEntry(row: ClientEntity): Entry {
  return {
    client: {
      clientId: row.clientId,
      metadata: {
        ...row.metadata,
        // Registered before there were these: it has none, and may not.
        permissions: row.metadata.permissions ?? [],
        headless_logout: row.metadata.headless_logout ?? false,
        // Registered itself before there was the choice: it continues to get strict ID tokens.
        ...(row.registrationTokenHash === null ? {} : { id_token_claims: row.metadata.id_token_claims ?? 'conform' }),
      },
      hasSecret: row.secretHash !== null,
      registeredItself: row.registrationTokenHash !== null,
      tokenGeneration: row.tokenGeneration,
      createdAt: row.createdAt,
      updatedAt: row.updatedAt,
      deletedAt: row.deletedAt,
      disabledAt: row.disabledAt,
    },
    isUsed: row.firstUsedAt !== null,
    secretHash: row.secretHash,
    registrationTokenHash: row.registrationTokenHash,
  };
}

function provesItself(entry: Entry | undefined, secret: string): boolean {
  const usable = entry !== undefined && provesBySecret(entry.client.metadata);
  return matchesHash(secret, usable ? entry.secretHash : null);
}

/** An id that cannot be guessed and is unique. */
export function newClientId(): string {
  return randomBytes(16).toString('base64url');
}
