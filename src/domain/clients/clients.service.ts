import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ChangeFeed } from '../../platform/database/change-feed.js';
import type { Page, PageRequest } from '../../platform/database/page.js';
import { NotFoundError } from '../../platform/oidc/errors.js';
import { matchesHash } from '../../platform/oidc/secret.js';
import { isStorableText } from '../../platform/oidc/text.js';
import type { Client } from './client.js';
import { ClientRepository } from './client.repository.js';
import { provesItself, toClient, type StoredClient } from './stored-client.js';

/** A lost change notice is made good after this long. Revoked grants do not wait for it: they are dead in Postgres. */
const MAX_AGE = 30_000;
const CACHED_CLIENTS = 10_000;

interface Entry {
  isUsed: boolean;
  readonly client: Client;
  readonly row: StoredClient;
}

/** The registry of clients. Reads come from memory; a change drops the entry on every node. */
@Injectable()
export class ClientsService implements OnModuleInit {
  /** Counts changes that the change feed reported. */
  private generation = 0;
  private readonly cache = new LRUCache<string, Entry | 'unknown'>({ max: CACHED_CLIENTS, ttl: MAX_AGE });

  constructor(
    private readonly repository: ClientRepository,
    private readonly changes: ChangeFeed,
  ) {}

  onModuleInit(): void {
    this.changes.subscribe('client', (clientId) => this.drop(clientId));
  }

  async find(clientId: string): Promise<Client | undefined> {
    return (await this.entry(clientId))?.client;
  }

  /** As {@link find}, unless it is disabled: what lets a client or its people in asks this. */
  async findEnabled(clientId: string): Promise<Client | undefined> {
    const client = await this.find(clientId);
    return client?.disabledAt === null ? client : undefined;
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
      for (const row of await this.repository.findEvenDeleted(missing)) {
        const entry = toEntry(row);
        if (row.deletedAt === null) this.cache.set(row.clientId, entry);
        found.set(row.clientId, entry.client);
      }
    }
    return found;
  }

  /** Newest first. `search` matches the id's beginning or a part of the name. */
  async list(options: PageRequest & { readonly search?: string | undefined }): Promise<Page<Client>> {
    const { items, nextCursor } = await this.repository.list(options);
    return { items: items.map(toClient), nextCursor };
  }

  /** Whether some client's redirect URI has this origin. */
  async isOrigin(origin: string): Promise<boolean> {
    if (origin.length > 300 || !/^https?:\/\/[\x21-\x7e]+$/.test(origin)) return false;
    return this.repository.isOrigin(origin);
  }

  /** Whether this is the secret that the client proves itself by, disabled or not. Constant-time. */
  async isSecret(clientId: string, secret: string): Promise<boolean> {
    return provesItself((await this.entry(clientId))?.row, secret);
  }

  /** Whether this is the registration access token of the client (RFC 7592 §3). Constant-time. */
  async isRegistrationToken(clientId: string, token: string): Promise<boolean> {
    const entry = await this.entry(clientId);
    // A disabled client does not change what it would come back with.
    if (entry !== undefined && entry.client.disabledAt !== null) return false;
    return matchesHash(token, entry?.row.registrationTokenHash ?? null);
  }

  /** It got a token. Written down once, and only of clients that registered themselves. */
  async used({ clientId }: Client): Promise<void> {
    const entry = await this.entry(clientId);
    if (entry === undefined || !entry.client.registeredItself || entry.isUsed) return;
    await this.repository.markUsed(clientId);
    entry.isUsed = true;
  }

  /** This node does not wait for its own notice of a change. */
  forget(clientId: string): void {
    this.drop(clientId);
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
    const row = await this.repository.find(clientId);
    const entry = row === undefined ? 'unknown' : toEntry(row);
    // A change that came while we read may be newer than the row: then it is read again next time.
    if (generation === this.generation) this.cache.set(clientId, entry);
    return entry === 'unknown' ? undefined : entry;
  }
}

function toEntry(row: StoredClient): Entry {
  return { client: toClient(row), row, isUsed: row.firstUsedAt !== null };
}
