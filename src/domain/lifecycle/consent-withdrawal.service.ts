import { Injectable } from '@nestjs/common';
import { NotFoundError } from '../../platform/oidc/errors.js';
import { AccountsService } from '../accounts/accounts.service.js';
import { ClientsService } from '../clients/clients.service.js';
import type { LogoutInitiator, LogoutOutcome } from '../logout/command/logout.js';
import { LogoutService } from '../logout/command/logout.service.js';
import { ConsentsService } from '../consents/consents.service.js';

/** Takes back what a person allowed an application. */
@Injectable()
export class ConsentWithdrawal {
  constructor(
    private readonly accounts: AccountsService,
    private readonly clients: ClientsService,
    private readonly consents: ConsentsService,
    private readonly logoutService: LogoutService,
  ) {}

  /**
   * When this returns, every grant of this person at this application is dead, offline ones too, the application is
   * being notified about each of their sessions that it takes part in, and its next request asks the person again. The
   * sessions continue. One transaction, so that no consent is forgotten whose grants live on.
   */
  async withdraw(
    accountId: string,
    clientId: string,
    initiator: LogoutInitiator,
  ): Promise<LogoutOutcome | { readonly kind: 'not_given' }> {
    let given = false;
    const outcome = await this.logoutService.logout(
      { target: { kind: 'account-client', accountId, clientId }, cause: 'consent_withdrawn', initiator },
      {
        before: async (tx) => {
          given = await this.consents.forget(tx, accountId, clientId);
          return given;
        },
      },
    );
    return given ? outcome : { kind: 'not_given' };
  }

  /** As {@link withdraw}, by an operator. @throws NotFoundError when nothing had been allowed */
  async withdrawFor(accountId: string, clientId: string, operatorClientId: string): Promise<LogoutOutcome> {
    const { id } = await this.accounts.get(accountId);
    await this.clients.get(clientId);
    const outcome = await this.withdraw(id, clientId, { kind: 'operator', clientId: operatorClientId });
    if (outcome.kind === 'not_given') throw new NotFoundError('The person allowed this application nothing.');
    return outcome;
  }
}
