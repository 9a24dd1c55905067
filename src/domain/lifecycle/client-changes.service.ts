import { Injectable } from '@nestjs/common';
import { ConflictError } from '../../platform/oidc/errors.js';
import { ClientRegistrationService, newClientId, type ChangedClient } from '../clients/client-registration.service.js';
import type { Client, ClientDocument, RegisteredClient } from '../clients/client.js';
import { ClientsService } from '../clients/clients.service.js';
import type { Tx } from '../../platform/database/transaction.js';
import type { LogoutOutcome, OrderedLogout } from '../logout/command/logout.js';
import { LogoutService } from '../logout/command/logout.service.js';
import { ChangeRecord, initiatorOf, type Actor, type Change } from './change-record.js';

/** What an operator may choose for a client; else it is generated. */
export interface ChosenCredentials {
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
}

/**
 * Changes of clients, each on record with who made it: an operator, or the client itself by its registration access
 * token. An operator's rules for metadata are wider. The change and the end of what it takes away are one transaction: a
 * policy that has changed never leaves behind what it no longer allows. What ended stays ended, should the client get it
 * back.
 */
@Injectable()
export class ClientChanges {
  constructor(
    private readonly clients: ClientsService,
    private readonly registration: ClientRegistrationService,
    private readonly logoutService: LogoutService,
    private readonly record: ChangeRecord,
  ) {}

  /** @throws InvalidRedirectUriError, InvalidClientMetadataError, ConflictError when the id is taken */
  async create(input: ClientDocument, chosen: ChosenCredentials, operator: Actor): Promise<RegisteredClient> {
    const change = { event: 'client_changed', change: 'created', subject: {} } as const;
    return this.record.of(operator, change, (onChange) =>
      this.registration.register(input, { administrator: true, ...chosen, onChange }),
    );
  }

  /** The client registers itself: it is the only one who is known to do so. @throws as {@link create} */
  async register(input: ClientDocument, address: string): Promise<RegisteredClient> {
    const clientId = newClientId();
    const actor = { by: 'client', clientId, address } as const;
    return this.record.of(actor, clientChange('registered', clientId), (onChange) =>
      this.registration.register(input, { administrator: false, clientId, onChange }),
    );
  }

  /**
   * Replaces all metadata.
   * @throws NotFoundError, InvalidRedirectUriError, InvalidClientMetadataError
   * @throws ConflictError when no client could administer the service any more
   */
  async replace(
    clientId: string,
    input: ClientDocument,
    clientSecret: string | undefined,
    actor: Actor,
  ): Promise<RegisteredClient> {
    return this.record.of(actor, clientChange('changed', clientId), (onChange) =>
      this.change(clientId, actor, (tx) =>
        this.registration.replace(tx, clientId, input, {
          administrator: actor.by === 'operator',
          clientSecret,
          onChange,
        }),
      ),
    );
  }

  /** Changes some of the metadata (RFC 7396), by an operator's rules. @throws as {@link replace} */
  async patch(
    clientId: string,
    patch: ClientDocument,
    clientSecret: string | undefined,
    operator: Actor,
  ): Promise<RegisteredClient> {
    return this.record.of(operator, clientChange('changed', clientId), (onChange) =>
      this.change(clientId, operator, (tx) => this.registration.patch(tx, clientId, patch, { clientSecret, onChange })),
    );
  }

  /**
   * When this returns, no token of the client is good any more, and it is being notified of each session that it took
   * part in.
   * @throws NotFoundError, ConflictError when no client could administer the service any more
   */
  async delete(clientId: string, actor: Actor): Promise<LogoutOutcome | OrderedLogout> {
    await this.clients.get(clientId);
    return this.record.of(actor, clientChange('deleted', clientId), (record) =>
      this.logoutService.logoutAny(
        { target: { kind: 'client', clientId }, cause: 'client_deleted', initiator: initiatorOf(actor) },
        {
          after: async (tx) => {
            await this.registration.delete(tx, clientId);
            await record(tx);
          },
        },
      ),
    );
  }

  /**
   * When this returns, no person can sign in with the client, no token of it is good on any node, and its notices are
   * being sent. Of a client that was disabled before nothing is left to end.
   * @throws NotFoundError
   * @throws ConflictError when an operator's client is about to lock itself out, or none could administer the service
   */
  async disable(clientId: string, operator: Actor): Promise<LogoutOutcome | OrderedLogout> {
    return this.record.of(operator, clientChange('disabled', clientId), async (record) => {
      await this.clients.get(clientId);
      if (clientId === operator.clientId)
        throw new ConflictError('A client cannot disable itself: nobody would enable it again.');
      return this.logoutService.logoutAny(
        { target: { kind: 'client', clientId }, cause: 'client_disabled', initiator: initiatorOf(operator) },
        {
          before: async (tx) => {
            const disabled = await this.registration.disable(tx, clientId);
            if (disabled) await record(tx);
            return disabled;
          },
        },
      );
    });
  }

  /** What ended when it was disabled stays ended. Idempotent. @throws NotFoundError */
  async enable(clientId: string, operator: Actor): Promise<Client> {
    return this.record.of(operator, clientChange('enabled', clientId), (record) =>
      this.registration.enable(clientId, record),
    );
  }

  /**
   * As `ClientRegistrationService.rotateSecret`: the old secret stops working here with the commit.
   * @throws NotFoundError, ConflictError when the client does not prove itself by a secret
   */
  async rotateSecret(clientId: string, operator: Actor): Promise<RegisteredClient> {
    return this.record.of(operator, clientChange('secret_rotated', clientId), (record) =>
      this.registration.rotateSecret(clientId, record),
    );
  }

  /** Idempotent. @returns all of them @throws NotFoundError, InvalidRedirectUriError */
  async addPostLogoutRedirectUri(clientId: string, uri: string, operator: Actor): Promise<readonly string[]> {
    return this.record.of(operator, clientChange('changed', clientId), (record) =>
      this.registration.addPostLogoutRedirectUri(clientId, uri, record),
    );
  }

  /** @throws NotFoundError when there is no such client, or it was not registered */
  async removePostLogoutRedirectUri(clientId: string, uri: string, operator: Actor): Promise<void> {
    return this.record.of(operator, clientChange('changed', clientId), (record) =>
      this.registration.removePostLogoutRedirectUri(clientId, uri, record),
    );
  }

  private async change(
    clientId: string,
    actor: Actor,
    to: (tx: Tx) => Promise<ChangedClient>,
  ): Promise<RegisteredClient> {
    const initiator = initiatorOf(actor);
    const done: ChangedClient[] = [];
    const offline = {
      target: { kind: 'client-offline', clientId },
      cause: 'offline_access_withdrawn',
      initiator,
    } as const;
    // Without a way to ask people it is to them what a disabled client is, and ends as one does.
    const everyone = { target: { kind: 'client', clientId }, cause: 'client_disabled', initiator } as const;
    await this.logoutService.logoutAny(offline, {
      before: async (tx) => {
        const changed = await to(tx);
        // The last run counts: a deadlock runs all of it again.
        done.push(changed);
        const { taken } = changed;
        return taken.people ? everyone : taken.offlineAccess;
      },
    });
    const changed = done.at(-1);
    if (changed === undefined) throw new Error('the change of a client was not carried out');
    return changed;
  }
}

function clientChange(change: string, clientId: string): Change {
  return { event: 'client_changed', change, subject: { client_id: clientId } };
}
