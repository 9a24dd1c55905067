import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { isUniqueViolation } from '../../platform/database/storage-errors.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { ADMIN_SCOPE } from '../../platform/oidc/claims.js';
import type { ClientMetadata } from '../../platform/oidc/client-metadata.js';
import { matchesHash, newSecret, sha256 } from '../../platform/oidc/secret.js';
import { provesBySecret } from './client.js';
import { ClientRepository } from './client.repository.js';
import { ClientsService } from './clients.service.js';
import { canAdminister, someoneAdministers } from './last-administrator.js';
import { RegistrationPolicy } from './registration-policy.js';
import { newClient, type StoredClient } from './stored-client.js';

/** What a start found, or made, of the client that administers the service. */
export type AdministratorAtStart =
  /** With the secret, unless the environment gave it. */
  | { readonly kind: 'made'; readonly generatedSecret: string | undefined }
  | { readonly kind: 'there' }
  /** It was deleted, and another client can administer the service: it stays deleted. */
  | { readonly kind: 'deleted' }
  /** There is none by this id and the environment names none, and another client can administer the service. */
  | { readonly kind: 'elsewhere' }
  /** It is there and cannot administer, and neither can any other client. */
  | { readonly kind: 'locked_out' };

/** Clients by which the service is administered: the first one, and the one that a locked-out operator gets back in by. */
@Injectable()
export class AdministratorsService {
  constructor(
    private readonly clients: ClientsService,
    private readonly repository: ClientRepository,
    private readonly policy: RegistrationPolicy,
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * Makes the client if it is missing, and gives it the secret of the environment. A secret that was given before is
   * not given again: it was rotated since for a reason. Nor does a deleted client come back by the secret that it had,
   * unless no client could administer the service otherwise. Safe on several nodes at once.
   *
   * @param named whether the environment asks for this client by its id
   */
  async ensure(clientId: string, given: string | undefined, named: boolean): Promise<AdministratorAtStart> {
    try {
      return await this.locked(clientId, async (tx, row) => {
        const someone = await someoneAdministers(tx, this.settings.issuer);
        const isNews = given !== undefined && !matchesHash(given, row?.environmentSecretHash ?? null);
        if (row === undefined && someone && !named) return { kind: 'elsewhere' };
        if (row === undefined || (row.deletedAt !== null && (isNews || !someone))) {
          const secret = given ?? newSecret();
          await this.write(tx, clientId, row, { metadata: this.administration(), secret, given });
          return { kind: 'made', generatedSecret: given === undefined ? secret : undefined };
        }
        if (row.deletedAt !== null) return { kind: 'deleted' };
        if (isNews) await this.applyEnvironment(tx, row, given);
        return { kind: (await someoneAdministers(tx, this.settings.issuer)) ? 'there' : 'locked_out' };
      });
    } catch (error) {
      // Another node was first, and knows better by now what there is.
      if (!isUniqueViolation(error, 'clients_pkey')) throw error;
      // It may be remembered here as unknown.
      this.clients.forget(clientId);
      return { kind: 'there' };
    }
  }

  /**
   * Whatever became of the client (deleted, disabled, without its scope, its secret lost), it can administer the service
   * afterwards, by the secret that is returned. Tokens of its own from before are dead.
   */
  async recover(clientId: string, within: (tx: Tx) => Promise<void>): Promise<string> {
    const secret = newSecret();
    await this.locked(clientId, async (tx, row) => {
      const metadata =
        row !== undefined && provesBySecret(row.metadata) && (await canAdminister(tx, clientId, this.settings.issuer))
          ? row.metadata
          : this.administration();
      await this.write(tx, clientId, row, { metadata, secret, given: this.settings.adminClientSecret });
      await within(tx);
    });
    return secret;
  }

  private locked<T>(clientId: string, work: (tx: Tx, row: StoredClient | undefined) => Promise<T>): Promise<T> {
    return this.transactions.run(async (tx) => {
      tx.afterCommit(() => this.clients.forget(clientId));
      return work(tx, await this.repository.lockEvenDeleted(tx, clientId));
    });
  }

  /** The environment has another secret than last time. One that is in use already only needs to be remembered. */
  private async applyEnvironment(tx: Tx, row: StoredClient, given: string): Promise<void> {
    const remembered = { ...row, environmentSecretHash: sha256(given) };
    const replaces = provesBySecret(row.metadata) && !matchesHash(given, row.secretHash);
    await this.repository.update(tx, replaces ? this.withSecret(remembered, given) : remembered);
  }

  private async write(
    tx: Tx,
    clientId: string,
    row: StoredClient | undefined,
    to: { readonly metadata: ClientMetadata; readonly secret: string; readonly given: string | undefined },
  ): Promise<void> {
    const environment = to.given === undefined ? {} : { environmentSecretHash: sha256(to.given) };
    if (row === undefined) {
      const secrets = { clientSecret: to.secret, registrationAccessToken: undefined };
      await this.repository.insert(tx, {
        ...newClient(clientId, to.metadata, this.clock.now(), secrets),
        ...environment,
      });
    } else {
      const usable = { ...row, ...environment, metadata: to.metadata, deletedAt: null, disabledAt: null };
      await this.repository.update(tx, this.withSecret(usable, to.secret));
    }
  }

  /** Tokens of its own from before are dead. */
  private withSecret(row: StoredClient, secret: string): StoredClient {
    return {
      ...row,
      secretHash: sha256(secret),
      tokenGeneration: row.tokenGeneration + 1,
      updatedAt: this.clock.now(),
    };
  }

  private administration(): ClientMetadata {
    const metadata = {
      client_name: 'Exeunt administration',
      grant_types: ['client_credentials'],
      scope: ADMIN_SCOPE,
      // Swagger UI sends client credentials in the header, so does curl -u.
      token_endpoint_auth_method: 'client_secret_basic',
    };
    return this.policy.metadata(metadata, true);
  }
}
