import { Injectable } from '@nestjs/common';
import { InvalidRequestError } from '../../platform/oidc/errors.js';
import { AccountsService } from '../accounts/accounts.service.js';
import { ClientsService } from '../clients/clients.service.js';
import type { LogoutTarget } from '../logout/command/logout.js';
import type { OrderTarget } from '../logout/orders/logout-order.js';
import { GrantsService } from '../tokens/grants.service.js';
import { UpstreamsService } from '../upstreams/upstreams.service.js';

/** What a logout order is to end, by the names that operators know. A member that is null counts as not sent. */
export interface NamedOrderTarget {
  readonly accountId?: string | null | undefined;
  readonly clientId?: string | null | undefined;
  readonly upstream?: string | null | undefined;
  readonly everyone?: boolean | null | undefined;
}

/** What a logout would end, by the names that operators know. */
export interface NamedTarget {
  readonly sessionId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly grantId?: string | undefined;
  readonly upstream?: string | undefined;
}

/** Finds what an operator names. What does not exist is refused: an order for a misspelt name would seem to have worked. */
@Injectable()
export class NamedTargets {
  constructor(
    private readonly accounts: AccountsService,
    private readonly clients: ClientsService,
    private readonly upstreams: UpstreamsService,
    private readonly grants: GrantsService,
  ) {}

  /** @throws InvalidRequestError unless exactly one is named, NotFoundError */
  async orderTarget({ accountId, clientId, upstream: name, everyone }: NamedOrderTarget): Promise<OrderTarget> {
    if ([accountId, clientId, name, everyone].filter((value) => value != null).length !== 1)
      throw new InvalidRequestError('Name exactly one of account_id, client_id, upstream, everyone.');
    if (accountId != null) return { kind: 'account', accountId: await this.accountId(accountId) };
    if (clientId != null) return { kind: 'client', clientId: await this.clientId(clientId) };
    if (name != null) return { kind: 'upstream', upstreamId: await this.upstreamId(name), name };
    return { kind: 'everyone' };
  }

  /** @throws InvalidRequestError unless one is named, or an account with a client; NotFoundError but for sessions and grants */
  async logoutTarget(named: NamedTarget): Promise<LogoutTarget> {
    const { sessionId, accountId, clientId, grantId, upstream } = named;
    const count = Object.values(named).filter((value) => value !== undefined).length;
    if (accountId !== undefined && clientId !== undefined && count === 2)
      return {
        kind: 'account-client',
        accountId: await this.accountId(accountId),
        clientId: await this.clientId(clientId),
      };
    if (count === 1) {
      if (sessionId !== undefined) return { kind: 'session', sessionId };
      if (grantId !== undefined) return { kind: 'grant', accountId: await this.grants.accountOf(grantId), grantId };
      if (accountId !== undefined) return { kind: 'account', accountId: await this.accountId(accountId) };
      if (clientId !== undefined) return { kind: 'client', clientId: await this.clientId(clientId) };
      if (upstream !== undefined) return { kind: 'upstream', upstreamId: await this.upstreamId(upstream) };
    }
    throw new InvalidRequestError(
      'Exactly one of session_id, account_id, client_id, grant_id, upstream is required, or account_id with client_id.',
    );
  }

  private async accountId(id: string): Promise<string> {
    return (await this.accounts.get(id)).id;
  }

  private async clientId(clientId: string): Promise<string> {
    return (await this.clients.get(clientId)).clientId;
  }

  private async upstreamId(name: string): Promise<string> {
    return (await this.upstreams.get(name)).id;
  }
}
