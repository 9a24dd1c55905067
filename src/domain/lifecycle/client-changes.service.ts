import { Injectable } from '@nestjs/common';
import type { RegisteredClient } from '../clients/client.js';
import {
  ClientRegistrationService,
  type ChangedClient,
  type ClientChanged,
} from '../clients/client-registration.service.js';
import { ClientsService } from '../clients/clients.service.js';
import type { Tx } from '../../platform/database/transaction.js';
import type { LogoutInitiator, LogoutOutcome } from '../logout/command/logout.js';
import { LogoutService } from '../logout/command/logout.service.js';
import { ConflictError } from '../../platform/oidc/errors.js';
import { GrantsService } from '../tokens/grants.service.js';

type Metadata = Readonly<Record<string, unknown>>;

/**
 * Changes of a client that may take something away from it. The change and the end of what it took away are one
 * transaction: a policy that has changed never leaves behind what it no longer allows. What ended stays ended, should the
 * client get it back.
 */
@Injectable()
export class ClientChanges {
  constructor(
    private readonly clients: ClientsService,
    private readonly registration: ClientRegistrationService,
    private readonly logoutService: LogoutService,
    private readonly grants: GrantsService,
  ) {}

  /** Replaces all metadata, by an administrator's rules or by the client's own. */
  replace(
    clientId: string,
    input: Metadata,
    by: {
      readonly administrator: boolean;
      readonly clientSecret?: string | undefined;
      readonly initiator: LogoutInitiator;
      readonly alongside?: ClientChanged | undefined;
    },
  ): Promise<RegisteredClient> {
    return this.change(clientId, by.initiator, (tx) => this.registration.replace(tx, clientId, input, by));
  }

  /** Changes some of the metadata, by an administrator's rules. */
  patch(
    clientId: string,
    patch: Metadata,
    by: {
      readonly clientSecret?: string | undefined;
      readonly initiator: LogoutInitiator;
      readonly alongside?: ClientChanged | undefined;
    },
  ): Promise<RegisteredClient> {
    return this.change(clientId, by.initiator, (tx) => this.registration.patch(tx, clientId, patch, by));
  }

  /**
   * When this returns, nobody signs in with the client, no token of it is good on any node, and its applications are
   * being told. Of a client that was disabled before nothing is left to end.
   *
   * @throws NotFoundError
   * @throws ConflictError when an operator's client is about to lock itself out
   */
  async disable(
    clientId: string,
    operator: string,
    alongside: (tx: Tx) => Promise<void> = () => Promise.resolve(),
  ): Promise<LogoutOutcome> {
    await this.clients.get(clientId);
    if (clientId === operator) throw new ConflictError('A client cannot disable itself: nobody would enable it again.');
    const outcome = await this.logoutService.logout(
      {
        target: { kind: 'client', clientId },
        cause: 'client_disabled',
        initiator: { kind: 'operator', clientId: operator },
      },
      {
        before: async (tx) => {
          const disabled = await this.registration.disable(tx, clientId);
          if (disabled) await alongside(tx);
          return disabled;
        },
      },
    );
    this.clients.forget(clientId);
    return outcome;
  }

  private async change(
    clientId: string,
    initiator: LogoutInitiator,
    to: (tx: Tx) => Promise<ChangedClient>,
  ): Promise<RegisteredClient> {
    const done: ChangedClient[] = [];
    const offline = {
      target: { kind: 'client-offline', clientId },
      cause: 'offline_access_withdrawn',
      initiator,
    } as const;
    // Without a way to ask people it is to them what a disabled client is, and ends as one does.
    const everyone = { target: { kind: 'client', clientId }, cause: 'client_disabled', initiator } as const;
    await this.logoutService.logout(offline, {
      before: async (tx) => {
        const changed = await to(tx);
        // The last run counts: a deadlock runs all of it again.
        done.push(changed);
        const { taken } = changed;
        await this.grants.narrow(tx, clientId, taken.scope);
        return taken.people ? everyone : taken.offlineAccess;
      },
    });
    this.clients.forget(clientId);
    const changed = done.at(-1);
    if (changed === undefined) throw new Error('the change of a client was not carried out');
    return changed;
  }
}
