import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { Clock } from '../../platform/clock/clock.js';
import type { Tx } from '../../platform/database/transaction.js';
import type { AuthorizationRequest } from '../interactions/authorization-request.js';
import type { Consent } from './consent.js';
import type { ConsentAsked } from './consents.sql.js';
import { ConsentRepository, type Asked } from './consent.repository.js';

/** What people allowed applications, remembered so that they are asked once (Core §3.1.2.4). */
@Injectable()
export class ConsentsService {
  constructor(
    private readonly repository: ConsentRepository,
    private readonly clock: Clock,
  ) {}

  /** Whether the person need not be asked: a first-party application, or everything was allowed before. */
  async isGiven(accountId: string, client: Client, request: AuthorizationRequest): Promise<boolean> {
    return client.metadata.skip_consent || this.repository.covers(askedBy(accountId, request));
  }

  async remember(accountId: string, request: AuthorizationRequest): Promise<void> {
    await this.repository.remember(askedBy(accountId, request), this.clock.now());
  }

  /** Newest first. */
  async list(accountId: string): Promise<Consent[]> {
    return this.repository.list(accountId);
  }

  /** What a grant for this request must hold as allowed; undefined for a first-party application. */
  askedBy(client: Client, request: AuthorizationRequest): ConsentAsked | undefined {
    if (client.metadata.skip_consent) return undefined;
    return { consentScope: request.scope, consentClaims: claimNames(request) };
  }

  /** Part of a withdrawal, which also ends the grants. False: nothing had been allowed. */
  async forget(tx: Tx, accountId: string, clientId: string): Promise<boolean> {
    return this.repository.forget(tx, accountId, clientId);
  }
}

function askedBy(accountId: string, request: AuthorizationRequest): Asked {
  return { accountId, clientId: request.clientId, scope: request.scope, claims: claimNames(request) };
}

function claimNames({ claims }: AuthorizationRequest): readonly string[] {
  return [...new Set([...Object.keys(claims?.userinfo ?? {}), ...Object.keys(claims?.id_token ?? {})])];
}
