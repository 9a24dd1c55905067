import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { isUniqueViolation } from '../../platform/database/storage-errors.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import type { ClientMetadata } from '../../platform/oidc/client-metadata.js';
import { ConflictError, NotFoundError } from '../../platform/oidc/errors.js';
import { newSecret } from '../../platform/oidc/secret.js';
import { refuseUselessSecret, secretAfter } from './changed-secret.js';
import { provesBySecret, type Client, type RegisteredClient } from './client.js';
import { ClientRepository } from './client.repository.js';
import { ClientsService } from './clients.service.js';
import { ClientObserver } from './ports/client-observer.js';
import { RegistrationPolicy } from './registration-policy.js';
import { newClient, toClient, type StoredClient } from './stored-client.js';
import { scopesSince, type TakenFromClient } from './taken-from-client.js';

/** What else is to happen in the transaction of one change: it gets the members that are not secret, as they were and are. */
export type ClientChanged = (
  tx: Tx,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
) => Promise<void>;
const nothingElse: ClientChanged = () => Promise.resolve();

/** A change of metadata, and what it takes away. */
export interface ChangedClient extends RegisteredClient {
  readonly taken: TakenFromClient;
}

/** What becomes of a client's metadata, and the secret that it gets with it. */
type Change = (before: ClientMetadata) => {
  readonly metadata: ClientMetadata;
  readonly clientSecret?: string | undefined;
};

/** Registers clients and changes them, by one set of rules for operators and for clients that register themselves. */
@Injectable()
export class ClientRegistrationService {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly repository: ClientRepository,
    private readonly clients: ClientsService,
    private readonly policy: RegistrationPolicy,
    private readonly observer: ClientObserver,
    private readonly clock: Clock,
  ) {}

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
      readonly onChange?: ClientChanged | undefined;
    },
  ): Promise<RegisteredClient> {
    const metadata = this.policy.metadata(input, options.administrator);
    refuseUselessSecret(metadata, options.clientSecret);
    const clientSecret = provesBySecret(metadata) ? (options.clientSecret ?? newSecret()) : undefined;
    const registrationAccessToken = options.administrator ? undefined : newSecret();
    const row = newClient(options.clientId ?? newClientId(), metadata, this.clock.now(), {
      clientSecret,
      registrationAccessToken,
    });
    try {
      await this.transactions.run(async (tx) => {
        await this.repository.insert(tx, row);
        await options.onChange?.(tx, {}, { client_id: row.clientId, ...metadata });
      });
    } catch (error) {
      if (isUniqueViolation(error, 'clients_pkey'))
        throw new ConflictError('This client_id is taken.', { cause: error });
      throw error;
    } finally {
      // Also when another node was first: here it may be remembered as unknown.
      this.clients.forget(row.clientId);
    }
    return { client: toClient(row), clientSecret, registrationAccessToken };
  }

  /** Registers a client unless there is one by this id, which is left as it is. */
  async ensureClient(clientId: string, clientSecret: string | undefined, input: unknown): Promise<RegisteredClient> {
    const existing = await this.clients.find(clientId);
    if (existing === undefined) return this.register(input, { administrator: true, clientId, clientSecret });
    return { client: existing, clientSecret: undefined, registrationAccessToken: undefined };
  }

  /**
   * Replaces all metadata. A client that now needs a secret and has none gets one, shown here once. The caller
   * ends in the same transaction what the change takes away (`LogoutService`).
   */
  async replace(
    tx: Tx,
    clientId: string,
    input: unknown,
    options: {
      readonly administrator: boolean;
      readonly clientSecret?: string | undefined;
      readonly onChange?: ClientChanged | undefined;
    },
  ): Promise<ChangedClient> {
    const to: Change = (before) => ({
      metadata: this.policy.metadata(input, options.administrator, before),
      clientSecret: options.clientSecret,
    });
    return this.changeIn(tx, clientId, to, options.onChange);
  }

  /** JSON merge patch (RFC 7396) of the metadata: `null` removes a member. Called as {@link replace} is. */
  async patch(
    tx: Tx,
    clientId: string,
    patch: Readonly<Record<string, unknown>>,
    options: { readonly clientSecret?: string | undefined; readonly onChange?: ClientChanged | undefined } = {},
  ): Promise<ChangedClient> {
    const to: Change = (before) => ({
      clientSecret: options.clientSecret,
      metadata: this.policy.metadata({ ...before, ...patch }, true, before),
    });
    return this.changeIn(tx, clientId, to, options.onChange);
  }

  /**
   * No grant is made for it from the commit on, on any node. The caller ends its grants in the same transaction
   * (`LogoutService`). False: it was disabled before, or there is none.
   * @throws ConflictError when no client could administer the service any more
   */
  async disable(tx: Tx, clientId: string): Promise<boolean> {
    const { disabled } = await this.policy.keepingAnAdministrator(tx, clientId, async () => ({
      disabled: await this.repository.disable(tx, clientId),
      proofStays: true,
    }));
    this.forgetAfter(tx, clientId);
    return disabled;
  }

  /** What ended when it was disabled stays ended. Idempotent. @throws NotFoundError */
  async enable(clientId: string, onChange = nothingElse): Promise<Client> {
    await this.clients.get(clientId);
    await this.transactions.run(async (tx) => {
      await this.repository.enable(tx, clientId);
      await onChange(tx, {}, {});
      this.forgetAfter(tx, clientId);
    });
    return this.clients.get(clientId);
  }

  /**
   * The client is gone with the commit. The caller ends its grants in the same transaction (`LogoutService`).
   * @throws ConflictError when no client could administer the service any more
   */
  async delete(tx: Tx, clientId: string): Promise<void> {
    await this.policy.keepingAnAdministrator(tx, clientId, async () => {
      await this.repository.delete(tx, clientId);
      return { proofStays: true };
    });
    this.forgetAfter(tx, clientId);
  }

  /**
   * A new secret. The old one stops working here with the commit, and on other nodes as they learn of it (at most 30 s);
   * tokens of the client's own from before, or got with the old one by then, are dead on every node at once.
   */
  async rotateSecret(clientId: string, onChange = nothingElse): Promise<RegisteredClient> {
    const clientSecret = newSecret();
    const to: Change = (before) => {
      if (!provesBySecret(before)) throw new ConflictError('This client does not authenticate with a secret.');
      return { metadata: before, clientSecret };
    };
    return this.change(clientId, to, onChange);
  }

  /** Idempotent. @throws InvalidRedirectUriError */
  async addPostLogoutRedirectUri(clientId: string, uri: string, onChange = nothingElse): Promise<readonly string[]> {
    const to: Change = (before) => {
      this.policy.checkPostLogoutRedirectUri(uri, before);
      return {
        metadata: { ...before, post_logout_redirect_uris: [...new Set([...before.post_logout_redirect_uris, uri])] },
      };
    };
    const { client } = await this.change(clientId, to, onChange);
    return client.metadata.post_logout_redirect_uris;
  }

  /** @throws NotFoundError when it was not registered */
  async removePostLogoutRedirectUri(clientId: string, uri: string, onChange = nothingElse): Promise<void> {
    const to: Change = (before) => {
      const uris = before.post_logout_redirect_uris.filter((registered) => registered !== uri);
      if (uris.length === before.post_logout_redirect_uris.length)
        throw new NotFoundError('This URI is not registered.');
      return { metadata: { ...before, post_logout_redirect_uris: uris } };
    };
    await this.change(clientId, to, onChange);
  }

  private async change(clientId: string, to: Change, onChange: ClientChanged): Promise<RegisteredClient> {
    return this.transactions.run((tx) => this.changeIn(tx, clientId, to, onChange));
  }

  /** This node does not wait for its own notice of a change. */
  private forgetAfter(tx: Tx, clientId: string): void {
    tx.afterCommit(() => this.clients.forget(clientId));
  }

  /** @throws ConflictError when no client could administer the service any more */
  private async changeIn(
    tx: Tx,
    clientId: string,
    to: Change,
    onChange: ClientChanged = nothingElse,
  ): Promise<ChangedClient> {
    const { changed } = await this.policy.keepingAnAdministrator(tx, clientId, async () => {
      const row = await this.repository.lock(tx, clientId);
      if (row === undefined) throw new NotFoundError('There is no such client.');
      const { metadata, clientSecret } = to(row.metadata);
      return {
        changed: await this.store(tx, row, metadata, { given: clientSecret, onChange }),
        proofStays: this.policy.keepsProof(row.metadata, metadata),
      };
    });
    this.forgetAfter(tx, clientId);
    return changed;
  }

  private async store(
    tx: Tx,
    row: StoredClient,
    metadata: ClientMetadata,
    { given, onChange }: { readonly given: string | undefined; readonly onChange: ClientChanged },
  ): Promise<ChangedClient> {
    const secret = secretAfter(row, metadata, given);
    const taken = this.policy.takenBy(row.metadata, metadata);
    const tokenGeneration = row.tokenGeneration + (taken.ownTokens || secret.replaced ? 1 : 0);
    const changed = {
      ...row,
      metadata,
      tokenGeneration,
      scopeSince: scopesSince(row, metadata, tokenGeneration),
      updatedAt: this.clock.now(),
      secretHash: secret.hash,
    };
    await this.repository.update(tx, changed);
    const client = toClient(changed);
    await this.observer.changed(tx, row.metadata, client);
    const replaced = secret.replaced || secret.shown !== undefined ? { client_secret: 'replaced' } : {};
    await onChange(tx, { ...row.metadata }, { ...metadata, ...replaced });
    return { client, clientSecret: secret.shown, registrationAccessToken: undefined, taken };
  }
}

/** An id that cannot be guessed and is unique. */
export function newClientId(): string {
  return randomBytes(16).toString('base64url');
}
